"""An OpenAI-compatible endpoint: a real server on this machine that can refuse, err and vanish."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from endpoint_server import Answer, Server
from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ArtifactError, ConfigError, EndpointError
from shopkeeper.features.store import FeatureStore
from shopkeeper.features.text.endpoint import EndpointSettings
from shopkeeper.features.text.settings import TextSettings


def vector(text: str, size: int = 4) -> list[float]:
    return [float(len(text) + place * ord(text[0])) for place in range(size)]


def answer_to(asked: dict[str, Any], size: int = 4) -> Answer:
    rows = [{"index": place, "embedding": vector(text, size)} for place, text in enumerate(asked["input"])]
    usage = {"prompt_tokens": len(rows), "total_tokens": 10 * len(rows)}
    return 200, {}, json.dumps({"data": rows[::-1], "usage": usage}).encode()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    started = Server(lambda _, asked: answer_to(asked))
    yield started
    started.close()


def settings_of(server: Server, requests: dict[str, Any] | None = None, **others: Any) -> EndpointSettings:
    patience = {"first_wait_seconds": 0.01, "attempts": 3, "timeout_seconds": 60, **(requests or {})}
    return build(EndpointSettings, {"url": server.url, "model": "m", "batch_size": 2, "requests": patience, **others})


def test_texts_go_in_batches_and_vectors_come_back_in_their_order(server: Server) -> None:
    encoder = settings_of(server, price=20.0).open()
    texts = ["a", "bb", "ccc", "dddd", "eeeee"]
    found = encoder.encode(texts)
    expected = np.array([vector(text) for text in texts])
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected, axis=1, keepdims=True), rtol=1e-6)
    assert [asked["input"] for asked in server.requests] == [["a", "bb"], ["ccc", "dddd"], ["eeeee"]]
    assert server.requests[0]["model"] == "m"
    assert "dimensions" not in server.requests[0]
    assert server.headers[0]["path"] == "/v1/embeddings"
    assert encoder.usage == {"requests": 3, "repeated": 0, "tokens": 50, "cost": pytest.approx(0.001)}
    assert encoder.size == 4


def test_the_key_comes_from_the_environment_and_is_sent_only_where_it_is_set(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_of(server).open().encode(["a"])
    monkeypatch.setenv("SHOP_KEY", " secret ")
    encoder = settings_of(server, {"key_variable": "SHOP_KEY"}).open()
    encoder.encode(["a"])
    assert "Authorization" not in server.headers[0]
    assert server.headers[1]["Authorization"] == "Bearer secret"
    assert "secret" not in encoder.identity


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_endpoint_that_is_busy_is_asked_again_after_the_wait_it_wants(server: Server, status: int) -> None:
    server.answers = lambda count, asked: (status, {"Retry-After": "0.1"}, b"busy") if count < 3 else answer_to(asked)
    encoder = settings_of(server).open()
    assert encoder.encode(["a"]).shape == (1, 4)
    assert encoder.usage["repeated"] == 2
    assert server.times[1] - server.times[0] >= 0.1


def test_a_connection_that_breaks_is_tried_again(server: Server) -> None:
    server.answers = lambda count, asked: None if count == 1 else answer_to(asked)
    assert settings_of(server).open().encode(["a"]).shape == (1, 4)


def test_patience_ends_with_a_plain_error(server: Server) -> None:
    server.answers = lambda *_: (429, {}, b'{"error": "slow down"}')
    with pytest.raises(EndpointError, match="status 429 at attempt 3") as error:
        settings_of(server).open().encode(["a"])
    assert "slow down" in str(error.value)
    assert "requests_a_minute" in str(error.value)


def test_a_refusal_is_not_repeated(server: Server) -> None:
    server.answers = lambda *_: (401, {}, b"no key")
    with pytest.raises(EndpointError, match="status 401 at attempt 1") as error:
        settings_of(server).open().encode(["a"])
    assert "key_variable" in str(error.value)
    assert len(server.requests) == 1


def test_a_redirect_is_not_followed_with_the_key(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    server.answers = lambda *_: (302, {"Location": f"{server.url}/elsewhere"}, b"")
    with pytest.raises(EndpointError, match="status 302"):
        settings_of(server).open().encode(["a"])
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<html>", "JSON"),
        (b"[]", "another form"),
        (b'{"data": [{"index": 0}]}', "another form"),
        (b'{"data": []}', "another number"),
        (b'{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [2]}]}', "another number"),
        (b'{"data": [{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [1, 2]}]}', "another form"),
        (b'{"data": [{"index": 0, "embedding": [NaN]}, {"index": 1, "embedding": [2]}]}', "none"),
    ],
)
def test_an_answer_of_another_form_is_said(server: Server, content: bytes, says: str) -> None:
    server.answers = lambda *_: (200, {}, content)
    with pytest.raises(EndpointError, match=says):
        settings_of(server).open().encode(["a", "b"])


def test_vectors_of_another_length_than_asked_for_are_refused(server: Server) -> None:
    with pytest.raises(EndpointError, match="another length") as error:
        settings_of(server, dimensions=3).open().encode(["a"])
    assert "expected: 3" in str(error.value)
    assert server.requests[0]["dimensions"] == 3


def test_a_model_that_is_another_in_the_middle_is_said(server: Server) -> None:
    server.answers = lambda _, asked: answer_to(asked, 3 if "c" in asked["input"] else 4)
    with pytest.raises(EndpointError, match="different lengths"):
        settings_of(server).open().encode(["a", "b", "c", "d"])


def test_it_is_asked_no_faster_than_allowed(server: Server) -> None:
    encoder, began = settings_of(server, {"requests_a_minute": 600}).open(), time.monotonic()
    encoder.encode(["a", "b", "c", "d", "e"])
    assert time.monotonic() - began >= 0.2
    assert len(server.requests) == 3


@pytest.mark.parametrize("wrong", [{"url": ""}, {"url": "file:///etc"}, {"url": "http://x", "model": ""}])
def test_address_and_model_must_be_named(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="--"):
        build(EndpointSettings, {"model": "m", **wrong}).open()


# Through the store

ITEMS = Vocabulary(list("abcdefg"))
CATALOG = Catalog(
    pa.table({"item_id": pa.array(list("abcdefg"), pa.large_string()), "title": [c * 3 for c in "abcdefg"]})
)


def text_settings(server: Server, **others: Any) -> TextSettings:
    values = settings_of(server, **others).model_dump()
    return build(TextSettings, {"encoder": values, "template": {"parts": ["{title}"]}})


def test_an_endpoint_that_vanishes_in_the_middle_keeps_what_was_encoded(server: Server, tmp_path: Path) -> None:
    def vanishing(count: int, asked: dict[str, Any]) -> Answer | None:
        return answer_to(asked) if count <= 2 else None

    server.answers = vanishing
    store = FeatureStore(tmp_path / "features")
    with pytest.raises(EndpointError, match="does not answer") as error:
        store.text(ITEMS, CATALOG, text_settings(server))
    assert "kept" in str(error.value)
    assert store.names() == []
    server.answers = lambda _, asked: answer_to(asked)
    server.requests.clear()
    built = store.text(ITEMS, CATALOG, text_settings(server))
    assert sum(len(asked["input"]) for asked in server.requests) == 3
    assert built.n_made == 3
    assert built.feature.known[1:].all()
    assert built.feature.facts["usage"]["tokens"] == 30


def test_another_model_under_the_same_name_is_noticed_and_a_version_helps(server: Server, tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "features")
    store.text(Vocabulary(list("abc")), CATALOG, text_settings(server))
    server.answers = lambda _, asked: answer_to(asked, size=6)
    with pytest.raises(ArtifactError, match="another length than before"):
        store.text(ITEMS, CATALOG, text_settings(server))
    assert store.open("text-endpoint").size == 4
    assert store.text(ITEMS, CATALOG, text_settings(server, version="2")).feature.size == 6


def test_a_server_that_is_not_there_is_said(server: Server) -> None:
    server.close()
    with pytest.raises(EndpointError, match="does not answer"):
        settings_of(server).open().encode(["a"])
