"""An OpenAI-compatible chat endpoint: a real server on this machine that refuses, errs, rambles and vanishes."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image

from endpoint_server import Answer, Server
from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError, DataError, EndpointError
from shopkeeper.features.attributes.settings import AttributesSettings
from shopkeeper.features.store import Built, FeatureStore

COLORS = ["red", "blue", "green"]
WANTED = {"color": {"kind": "choice", "values": COLORS}, "soft": {"kind": "boolean"}}
TITLES = [f"{COLORS[place % 3]} shirt {place}" for place in range(8)]
ITEMS = Vocabulary(range(8))
CATALOG = Catalog(pa.table({"item_id": range(8), "title": TITLES, "image": [f"http://x/{n}.jpg" for n in range(8)]}))


def item_text(asked: dict[str, Any]) -> str:
    """What is asked about: the last turn before any complaint."""
    turns = [turn["content"] for turn in asked["messages"] if turn["role"] == "user"]
    contents = [turn if isinstance(turn, str) else turn[0]["text"] for turn in turns]
    return [text for text in contents if "shirt" in text][-1]


def said(text: str) -> Answer:
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    return 200, {}, json.dumps({"choices": [{"message": {"content": text}}], "usage": usage}).encode()


def right(asked: dict[str, Any]) -> Answer:
    return said(json.dumps({"color": item_text(asked).split()[0], "soft": True}))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    started = Server(lambda _, asked: right(asked))
    yield started
    started.close()


def extracted(folder: Path, server: Server, catalog: Catalog = CATALOG, **changes: Any) -> Built:
    endpoint = {
        "name": "endpoint", "url": server.url, "model": "m", "at_once": 1, **changes.pop("endpoint", {}),
        "requests": {"first_wait_seconds": 0.01, "attempts": 3, "timeout_seconds": 60},
    }  # fmt: skip
    settings = {"extractor": endpoint, "wanted": WANTED, "template": {"parts": ["{title}"]}, **changes}
    return FeatureStore(folder).attributes(ITEMS, catalog, build(AttributesSettings, settings))


def colors(made: Built) -> list[str | None]:
    assert made.feature.table is not None
    found: list[str | None] = made.feature.table.column("extracted_color").to_pylist()
    return found


def test_each_item_is_asked_about_by_a_schema_and_the_cost_is_counted(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    made = extracted(tmp_path, server, endpoint={"price_in": 2.0, "price_out": 50.0})
    assert colors(made) == [title.split()[0] for title in TITLES]
    asked = server.requests[0]
    assert (asked["model"], asked["temperature"]) == ("m", 0)
    assert asked["response_format"]["json_schema"]["schema"]["required"] == ["color", "soft"]
    assert "one of: red, blue, green" in asked["messages"][0]["content"]
    assert server.headers[0]["path"] == "/v1/chat/completions"
    assert server.headers[0]["Authorization"] == "Bearer secret"
    assert made.feature.facts["usage"] == {
        "requests": 8, "repeated": 0, "tokens read": 800, "tokens written": 80, "cost": pytest.approx(0.0056),
    }  # fmt: skip
    assert "secret" not in json.dumps(made.feature.facts)


@pytest.mark.parametrize("status", [429, 500])
def test_a_busy_endpoint_is_asked_again(tmp_path: Path, server: Server, status: int):
    server.answers = lambda count, asked: (status, {"Retry-After": "0.02"}, b"busy") if count < 3 else right(asked)
    made = extracted(tmp_path, server)
    assert colors(made) == [title.split()[0] for title in TITLES]
    assert made.feature.facts["usage"]["repeated"] == 2


def test_an_answer_that_is_not_valid_is_shown_to_the_model_with_what_is_wrong(tmp_path: Path, server: Server):
    def learning(_: int, asked: dict[str, Any]) -> Answer:
        last = asked["messages"][-1]["content"]
        if "not valid" not in last:
            return said("I think it is nice.")
        assert asked["messages"][-2] == {"role": "assistant", "content": "I think it is nice."}
        return right(asked)

    server.answers = learning
    made = extracted(tmp_path, server)
    assert made.feature.table is not None
    assert made.feature.table.column("tries").to_pylist() == [2] * 8
    assert (made.feature.facts["valid"], made.feature.facts["valid_at_once"]) == (1, 0)


@pytest.mark.parametrize("garbage", ["{", '{"color": "pink", "soft": null}', '{"color": 3}', "[]", ""])
def test_garbage_ends_after_the_tries_and_other_items_go_on(tmp_path: Path, server: Server, garbage: str):
    server.answers = lambda _, asked: said(garbage) if item_text(asked) == TITLES[2] else right(asked)
    made = extracted(tmp_path, server, tries=2)
    assert colors(made) == [None if place == 2 else title.split()[0] for place, title in enumerate(TITLES)]
    assert not made.feature.known[3]
    assert made.feature.facts["valid"] == 7 / 8
    assert "1 items" in made.feature.facts["warnings"][0]
    assert len(server.requests) == 9
    assert extracted(tmp_path, server, tries=2).unchanged


def test_keys_that_nobody_asked_for_are_dropped_and_values_that_are_not_written_too(tmp_path: Path, server: Server):
    server.answers = lambda *_: said('{"color": "red", "soft": null, "price": 3}')
    made = extracted(tmp_path, server)
    assert colors(made) == ["red" if "red" in title else None for title in TITLES]
    assert made.feature.facts["unknown_keys"] == 8
    assert made.feature.facts["ungrounded"] == {"color": 5, "soft": 0}


@pytest.mark.parametrize("at_once", [1, 4])
def test_an_endpoint_that_vanishes_in_the_middle_keeps_what_was_answered(tmp_path: Path, server: Server, at_once: int):
    server.answers = lambda count, asked: right(asked) if count <= 5 else None
    with pytest.raises(EndpointError, match="does not answer"):
        extracted(tmp_path, server, endpoint={"at_once": at_once})
    assert FeatureStore(tmp_path).names() == []
    server.answers = lambda _, asked: right(asked)
    server.requests.clear()
    made = extracted(tmp_path, server, endpoint={"at_once": at_once})
    assert made.n_made == len(server.requests) == 3
    assert colors(made) == [title.split()[0] for title in TITLES]


@pytest.mark.parametrize(
    ("knows", "forms"), [("json_object", ["json_schema", "json_object"]), (None, ["json_schema", "json_object", None])]
)
def test_forms_that_an_endpoint_does_not_know_are_given_up_once(
    tmp_path: Path, server: Server, knows: str | None, forms: list[str | None]
):
    def form(asked: dict[str, Any]) -> str | None:
        return asked.get("response_format", {}).get("type")

    server.answers = lambda _, asked: right(asked) if form(asked) == knows else (400, {}, b"unknown response_format")
    extracted(tmp_path, server)
    assert [form(asked) for asked in server.requests] == [*forms, *[knows] * 7]


def test_a_refusal_for_another_reason_ends_with_what_it_says(tmp_path: Path, server: Server):
    server.answers = lambda *_: (400, {}, b"no such model")
    with pytest.raises(EndpointError, match="no such model"):
        extracted(tmp_path, server)
    assert len(server.requests) == 3
    server.answers = lambda *_: (401, {}, b"no key")
    with pytest.raises(EndpointError, match="key_variable"):
        extracted(tmp_path, server)
    assert len(server.requests) == 4


@pytest.mark.parametrize("content", [b"<html>", b"{}", b'{"choices": []}', b'{"choices": [{"message": 3}]}'])
def test_an_answer_of_another_form_is_said(tmp_path: Path, server: Server, content: bytes):
    server.answers = lambda *_: (200, {}, content)
    with pytest.raises(EndpointError, match=r"JSON|another form"):
        extracted(tmp_path, server)


@pytest.mark.parametrize("wrong", [{"url": ""}, {"url": "file:///etc"}, {"model": ""}])
def test_address_and_model_must_be_named(tmp_path: Path, server: Server, wrong: dict[str, str]):
    with pytest.raises(ConfigError, match="--"):
        extracted(tmp_path, server, endpoint=wrong)


# Pictures


def test_addresses_of_pictures_are_shown_where_wanted(tmp_path: Path, server: Server):
    extracted(tmp_path, server, pictures={"show": "address"})
    assert [asked["messages"][-1]["content"][1]["image_url"]["url"] for asked in server.requests] == [
        f"http://x/{place}.jpg" for place in range(8)
    ]


def test_pictures_are_sent_small_and_a_broken_one_is_left_out(tmp_path: Path, server: Server):
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (400, 200), "red").save(folder / "0.png")
    (folder / "1.png").write_bytes(b"no picture")
    names = pa.array(["0.png", "1.png", *[None] * 6])
    catalog = Catalog(CATALOG.table.set_column(2, "image", names))
    pictures = {"show": "content", "folder": str(folder), "side": 64}
    extracted(tmp_path / "features", server, catalog, pictures=pictures)
    contents = [asked["messages"][-1]["content"] for asked in server.requests]
    address = contents[0][1]["image_url"]["url"]
    assert address.startswith("data:image/jpeg;base64,")
    sent = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
    assert sent.size == (64, 64)
    assert all(isinstance(content, str) for content in contents[1:])
    Image.new("RGB", (100, 100), "blue").save(folder / "0.png")
    assert extracted(tmp_path / "features", server, catalog, pictures=pictures).n_made == 1


def test_a_column_or_folder_that_is_not_there_is_said(tmp_path: Path, server: Server):
    with pytest.raises(DataError, match=r"pictures\.column"):
        extracted(tmp_path, server, pictures={"show": "address", "column": "photo"})
    with pytest.raises(DataError, match=r"pictures\.folder"):
        extracted(tmp_path, server, pictures={"show": "content"})
