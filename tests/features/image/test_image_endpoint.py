"""An endpoint that embeds pictures: a real server on this machine that reads them, refuses and vanishes."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from endpoint_server import Answer, Server
from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError, EndpointError
from shopkeeper.features.image.endpoint import ImageEndpointSettings
from shopkeeper.features.image.feature import ImageSettings
from shopkeeper.features.store import FeatureStore

COLORS = ("red", "lime", "blue", "yellow", "aqua", "black")
ITEMS = Vocabulary(list("abcdef"))


def pictures_of(asked: dict[str, Any]) -> list[Image.Image]:
    """What was sent, in any of the forms."""
    parts = asked["input"] if "input" in asked else asked["messages"][0]["content"]
    addresses = [part["image_url"]["url"] if "image_url" in part else part["image"] for part in parts]
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses)
    return [Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) for address in addresses]


def answer_to(asked: dict[str, Any]) -> Answer:
    """The mean color of each picture."""
    colors = [np.asarray(picture.convert("RGB"), dtype=float).mean(axis=(0, 1)) for picture in pictures_of(asked)]
    rows = [{"index": place, "embedding": [1.0, *color.tolist()]} for place, color in enumerate(colors)]
    return 200, {}, json.dumps({"data": rows[::-1], "usage": {"total_tokens": 7 * len(rows)}}).encode()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    started = Server(lambda _, asked: answer_to(asked))
    yield started
    started.close()


def settings_of(server: Server, **changes: Any) -> ImageEndpointSettings:
    patience = {"first_wait_seconds": 0.01, "attempts": 3, "timeout_seconds": 60}
    given = {"url": server.url, "model": "m", "side": 64, "batch_size": 2, "requests": patience, **changes}
    return build(ImageEndpointSettings, given)


def squares() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.stack([np.asarray(Image.new("RGB", (64, 64), color)) for color in COLORS])


@pytest.mark.parametrize(("form", "requests"), [("image_url", 3), ("image", 3), ("messages", 6)])
def test_pictures_go_in_the_form_that_is_wanted_and_vectors_keep_their_order(
    server: Server, form: str, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    encoder = settings_of(server, form=form, price=10.0).open()
    found = encoder.encode(squares())
    assert [int(row[1:].argmax()) for row in found[:3]] == [0, 1, 2]
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert len(server.requests) == requests
    assert pictures_of(server.requests[0])[0].size == (64, 64)
    assert server.headers[0]["path"] == "/v1/embeddings"
    assert server.headers[0]["Authorization"] == "Bearer secret"
    assert encoder.usage == {"requests": requests, "repeated": 0, "tokens": 42, "cost": pytest.approx(0.00042)}
    assert encoder.size == 4


@pytest.mark.parametrize("status", [429, 500])
def test_a_busy_endpoint_is_asked_again(server: Server, status: int) -> None:
    server.answers = lambda count, asked: (status, {}, b"busy") if count < 3 else answer_to(asked)
    encoder = settings_of(server).open()
    assert encoder.encode(squares()[:1]).shape == (1, 4)
    assert encoder.usage["repeated"] == 2


@pytest.mark.parametrize(
    "content", [b"<html>", b"{}", b'{"data": []}', b'{"data": [{"index": 0, "embedding": [NaN]}]}']
)
def test_an_answer_of_another_form_is_said(server: Server, content: bytes) -> None:
    server.answers = lambda *_: (200, {}, content)
    with pytest.raises(EndpointError):
        settings_of(server).open().encode(squares()[:1])


def test_vectors_of_another_length_than_asked_for_are_refused(server: Server) -> None:
    with pytest.raises(EndpointError, match="another length"):
        settings_of(server, dimensions=3).open().encode(squares()[:1])
    assert server.requests[0]["dimensions"] == 3


def test_a_model_that_is_another_in_the_middle_is_said(server: Server) -> None:
    short: Answer = (200, {}, json.dumps({"data": [{"index": 0, "embedding": [1, 2]}]}).encode())
    server.answers = lambda count, asked: answer_to(asked) if count == 1 else short
    with pytest.raises(EndpointError, match="different lengths"):
        settings_of(server).open().encode(squares()[:3])


@pytest.mark.parametrize("wrong", [{"url": ""}, {"url": "ftp://x"}, {"model": ""}])
def test_address_and_model_must_be_named(server: Server, wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="--"):
        settings_of(server, **wrong).open()


def test_an_endpoint_that_vanishes_in_the_middle_keeps_what_was_encoded(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for item, color in zip("abcdef", COLORS, strict=True):
        Image.new("RGB", (30, 30), color).save(folder / f"{item}.png")
    catalog = Catalog(pa.table({"item_id": ITEMS.arrow, "image": [f"{item}.png" for item in "abcdef"]}))
    settings = build(ImageSettings, {"encoder": settings_of(server).model_dump()})
    store = FeatureStore(tmp_path / "features")
    server.answers = lambda count, asked: answer_to(asked) if count <= 2 else None
    with pytest.raises(EndpointError, match="does not answer"):
        store.image(ITEMS, catalog, settings, folder)
    assert store.names() == []
    server.answers = lambda _, asked: answer_to(asked)
    server.requests.clear()
    made = store.image(ITEMS, catalog, settings, folder)
    assert (len(server.requests), made.n_made) == (1, 2)
    assert made.feature.known[1:].all()
    assert made.feature.facts["usage"]["tokens"] == 14
