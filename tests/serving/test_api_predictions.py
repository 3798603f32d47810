"""What `POST /predictions` answers: what the predictor says offline, as of every event until now, in the shop's ids."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from predictor_shop import PURCHASE, examples, with_two_predictors
from server import Server, running_server

from shopkeeper.errors import ArtifactError, DataError
from shopkeeper.jobs.predictors import attach
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.predictors.naive_bayes import NaiveBayes

DAY = 86_400_000_000


@pytest.fixture(scope="module")
def attached(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predictors")
    shutil.copytree(bundle, folder / "bundle")
    with_two_predictors(folder / "bundle", folder)
    return folder / "bundle"


@pytest.fixture(scope="module")
def predicting(attached: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(attached, tmp_path_factory.mktemp("store") / "shop.db") as running:
        yield running


def asked(server: Server, status: int = 200, **question: Any) -> dict[str, Any]:
    answer = server.client.post("/predictions", json=question)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_online_is_what_the_predictor_says_offline(attached: Path, predicting: Server) -> None:
    bundle = Bundle.load(attached)
    predictor, log = bundle.predictors["purchase"], bundle.pipeline.memory
    offline = examples(bundle, PURCHASE)
    chances = predictor.predict_proba(offline)
    for place in np.random.default_rng(0).integers(0, len(offline), 12):
        at = int(offline.timestamp[place])
        user, item = (
            ids.ids([int(index[place])])[0]
            for ids, index in ((log.users, offline.user_index), (log.items, offline.item_index))
        )
        found = asked(predicting, user_id=user, item_ids=[item], targets=["purchase"], at=at / 1e6)
        assert found["known"]
        assert found["items"][0]["item_id"] == item
        np.testing.assert_allclose(found["items"][0]["predictions"]["purchase"], chances[place], rtol=1e-9)
        past = offline.past
        assert found["events"] == past.stop[place] - past.start[place]


def test_an_event_counts_at_once(predicting: Server) -> None:
    question = {"user_id": "somebody new", "item_ids": ["sku-001", "sku-002"]}
    before = asked(predicting, **question)
    assert not before["known"]
    assert before["events"] == 0
    event = {"user_id": "somebody new", "item_id": "sku-001", "event_type": "purchase", "price": 2, "quantity": 1}
    predicting.client.post("/events", json=event)
    after = asked(predicting, **question)
    assert after["known"]
    assert after["events"] == 1
    assert before["items"][0]["predictions"] != after["items"][0]["predictions"]
    assert before["shopper"] != after["shopper"]
    as_of_yesterday = asked(predicting, **question, at=time.time() - 86_400)
    assert as_of_yesterday["events"] == 0


def last_event_of(user_id: str, attached: Path) -> int:
    log = Bundle.load(attached).pipeline.memory
    return int(log.histories.timestamp[log.histories.offsets[log.users.index(user_id)] - 1])


def test_targets_of_items_and_of_shoppers(predicting: Server, attached: Path) -> None:
    found = asked(predicting, user_id="c7", item_ids=["sku-001"])
    targets = {target["target"]: target for target in found["targets"]}
    assert targets["purchase"] == {
        "target": "purchase", "kind": "probability", "horizon": "within 2 days", "model": "LogisticRegression",
        "of_items": True, "moment": "any", "extrapolated": True,
    }  # fmt: skip
    at_log = asked(predicting, user_id="c7", item_ids=["sku-001"], at=last_event_of("c7", attached) / 1e6 + 1)
    assert not at_log["targets"][0]["extrapolated"]  # not long after an event of theirs
    assert not targets["churn"]["of_items"]
    assert 0 <= found["shopper"]["churn"] <= 1
    assert list(found["items"][0]["predictions"]) == ["purchase"]
    alone = asked(predicting, user_id="c7", targets=["churn"])
    assert alone["items"] == []
    assert alone["shopper"] == pytest.approx(found["shopper"], rel=1e-3)


def test_reasons_are_words(predicting: Server) -> None:
    found = asked(predicting, user_id="c7", item_ids=["sku-001", "sku-004"], explain=True)
    for item in found["items"]:
        reasons = item["reasons"]["purchase"]
        assert 1 <= len(reasons) <= 5
        assert [abs(reason["effect"]) for reason in reasons] == sorted(
            (abs(reason["effect"]) for reason in reasons), reverse=True
        )
        assert all(" " in reason["text"] and "_" not in reason["text"] for reason in reasons)
    assert found["shopper_reasons"]["churn"]
    assert "reasons" not in asked(predicting, user_id="c7", item_ids=["sku-001"])["items"][0]


def test_a_history_stands_for_a_shopper(predicting: Server) -> None:
    history = [{"item_id": "sku-001", "event_type": "purchase", "timestamp": 1_740_900_000}, "gone"]
    found = asked(predicting, history=history, item_ids=["sku-002", "not there"])
    assert found["user_id"] is None
    assert found["events"] == 1
    assert found["ignored"] == ["gone"]
    assert found["unknown_items"] == ["not there"]
    assert [item["item_id"] for item in found["items"]] == ["sku-002"]


def test_a_new_item_has_predictions(predicting: Server) -> None:
    new = {"item_id": "sku-900", "title": "Thing 900", "category": "Garden > Tools", "price": 3.0}
    predicting.client.post("/items", json=new)
    before = asked(predicting, user_id="c8", item_ids=["sku-001"])
    found = asked(predicting, user_id="c8", item_ids=["sku-900", "sku-001"], explain=True)
    assert [item["item_id"] for item in found["items"]] == ["sku-900", "sku-001"]
    assert 0 <= found["items"][0]["predictions"]["purchase"] <= 1
    assert found["items"][1]["predictions"] == pytest.approx(before["items"][0]["predictions"], rel=1e-3)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"user_id": "c7", "item_ids": ["sku-001"], "targets": ["like"]}, "nothing predicts 'like' here"),
        ({"user_id": "c7", "targets": ["purchase"]}, "item_ids is empty"),
        ({"user_id": 7, "item_ids": ["sku-001"]}, "user_id is not an id of this shop"),
        ({"user_id": "c7", "item_ids": [3]}, "item_ids[0] is not an id of this shop"),
        ({"user_id": "c7", "item_ids": ["sku-001"] * 1001}, "item_ids is not valid"),
        ({"user_id": "c7", "item_ids": ["sku-001"], "at": "soon"}, "at is not a moment"),
        ({"user_id": "c7", "item_ids": ["sku-001"], "k": 3}, "unknown field"),
    ],
)
def test_what_cannot_be_answered_is_said(predicting: Server, question: dict[str, Any], words: str) -> None:
    error = asked(predicting, 422, **question)["error"]
    assert words in str(error)


def test_the_examples_of_the_description_are_answered(predicting: Server) -> None:
    described = predicting.client.get("/openapi.json").json()
    assert described["components"]["schemas"]["PredictionsIn"]["properties"]["item_ids"]["maxItems"] == 1000
    body = described["paths"]["/predictions"]["post"]["requestBody"]["content"]["application/json"]
    for example in body["examples"].values():
        asked(predicting, **example["value"])


def test_predictions_are_counted(predicting: Server) -> None:
    asked(predicting, user_id="c7", item_ids=["sku-001", "sku-002"])
    text = predicting.client.get("/metrics").text
    assert 'shopkeeper_predictions_total{target="purchase"}' in text


def test_a_bundle_without_predictors_says_so(server: Server) -> None:
    error = asked(server, 404, user_id="c7", item_ids=["sku-001"])["error"]
    assert "shopkeeper attach" in error["remedy"]


def test_what_does_not_fit_is_not_attached(attached: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(attached)
    asked_of = examples(bundle, PURCHASE)
    table = asked_of.features
    assert table is not None
    strange = type(table)(("other", *table.names[1:]), table.values)
    NaiveBayes().fit(type(asked_of)(**{**vars(asked_of), "features": strange})).save(tmp_path / "strange")
    with pytest.raises(ArtifactError, match="does not fit the log"):
        attach(attached, [tmp_path / "strange"])
    NaiveBayes().fit(asked_of).save(tmp_path / "one")
    with pytest.raises(DataError, match="two predictors predict purchase"):
        attach(attached, [tmp_path / "one", tmp_path / "one"])
    assert list(Bundle.load(attached).predictors) == ["purchase", "churn"]


def test_the_moment_is_said_and_a_visit_is_another_question(predicting: Server, attached: Path) -> None:
    item = Bundle.load(attached).pipeline.memory.items.ids([1])[0]
    found = asked(predicting, history=[], item_ids=[item])
    assert {one["moment"] for one in found["targets"]} == {"any"}
    refused = asked(predicting, 422, history=[], item_ids=[item], targets=["purchase"], moment="visit")
    assert "select DATASET --moment visit" in str(refused)
    asked(predicting, 422, history=[], item_ids=[item], moment="visit")
