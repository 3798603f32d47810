"""What a question may bring: lists, facts, words; refused before anything is looked up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from server import Server

from shopkeeper.serving.event_store.records import IdKinds
from shopkeeper.serving.item_facts import fact_names
from shopkeeper.serving.predicting import read_prediction
from shopkeeper.serving.problems import InvalidError
from shopkeeper.serving.recommending import is_long, read_question
from shopkeeper.serving.settings import ServiceSettings

KINDS = IdKinds(user_integer=False, item_integer=False)
SETTINGS = ServiceSettings(max_given_history=5)


def read(**question: Any) -> Any:
    return read_question(json.dumps(question).encode(), KINDS, SETTINGS)


@pytest.mark.parametrize("name", ["history", "exclude"])
def test_lists_of_items_have_an_end(name: str) -> None:
    read(**{name: ["a"] * 5})
    with pytest.raises(InvalidError, match=rf"(?s){name} is not valid.*at most 5"):
        read(**{name: ["a"] * 6})


def test_the_history_of_a_prediction_has_an_end() -> None:
    body = {"history": ["a"] * 6, "item_ids": ["a"]}
    with pytest.raises(InvalidError, match="history is not valid"):
        read_prediction(json.dumps(body).encode(), KINDS, SETTINGS)


def test_a_fact_is_read_once_however_often_it_is_named() -> None:
    assert read(fields=["title", "price", "title"]).given.fields == ["title", "price"]
    assert fact_names(["title,price", "title"], 7) == ["title", "price"]
    with pytest.raises(InvalidError, match="fields is not valid"):
        read(fields=["title"] * 8)
    with pytest.raises(InvalidError, match="fields is not valid"):
        fact_names(["title," * 8], 7)


@pytest.mark.parametrize(
    ("question", "long"),
    [
        ({"user_id": "a", "k": 100, "explain": True}, False),
        ({"history": ["a"] * 1000}, False),
        ({"history": ["a"] * 1001}, True),
        ({"history": ["a"] * 101, "explain": True}, True),
        ({"exclude": ["a"] * 1001}, True),
        ({"interests": ["Garden"] * 50}, False),
    ],
)
def test_what_takes_long_is_told_by_the_question(question: dict[str, Any], long: bool) -> None:
    assert is_long(read_question(json.dumps(question).encode(), KINDS, ServiceSettings())) == long


def test_a_search_of_many_words_is_refused(server: Server) -> None:
    assert server.client.get("/items", params={"query": "thing " * 16}).status_code == 200
    answer = server.client.get("/items", params={"query": "t " * 17})
    assert answer.status_code == 422
    assert answer.json()["error"]["expected"] == "at most 16"
    assert server.client.get("/items/sku-001/similar", params={"fields": "title," * 8}).status_code == 422
