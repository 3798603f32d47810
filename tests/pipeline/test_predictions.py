"""Predictors of a bundle, asked in indices: each target by name, several behaviors of one predictor too."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.data.schema import EventType
from shopkeeper.errors import DataError
from shopkeeper.pipeline.predictions import OwnEvents, PredictionAsk, Predictions, by_name, horizon_of, name_of
from shopkeeper.predictors.logistic_regression import LogisticRegression
from shopkeeper.predictors.registry import predictor_class
from shopkeeper.training.settings import TrainingSettings
from small_logs import DAY, N_ITEMS, small_log

PURCHASE = ExampleSettings(target="purchase", days=5, candidates="catalog", behaviors=("cart", "view"))
ITEMS = np.arange(1, N_ITEMS + 1, dtype=np.int32)


@pytest.fixture(scope="module")
def log() -> Dataset:
    return small_log(1, n_events=120)


def ask(log: Dataset, **more: object) -> PredictionAsk:
    first, last = log.histories.offsets[:2]
    own = OwnEvents(log.histories.slice(0, 1), log.price[first:last], log.quantity[first:last])
    return PredictionAsk(own, ITEMS, 15 * DAY, **more)  # type: ignore[arg-type]


def test_one_predictor_of_several_behaviors_answers_for_each(log: Dataset) -> None:
    examples = with_features(log, make_examples(log, PURCHASE))
    training = TrainingSettings(epochs=1, device="cpu")
    several = predictor_class("SharedBottom")().fit(examples, training=training)
    cart = LogisticRegression().fit(
        with_features(log, make_examples(log, PURCHASE.replace(target="cart", behaviors=())))
    )
    predictions = Predictions(by_name([several, cart]), log)
    assert list(predictions.targets) == ["purchase", "cart", "view"]
    assert predictions.targets["cart"].predictor is cart
    found = predictions.answer(ask(log, explain=True))
    assert all(((one.value > 0) & (one.value < 1)).all() for one in found.values())
    assert found["cart"].reasons and not found["view"].reasons
    np.testing.assert_allclose(predictions.answer(ask(log, targets=("view",)))["view"].value, found["view"].value)


def test_what_is_not_predicted_is_refused(log: Dataset) -> None:
    given = ExampleSettings(target="purchase", given="cart", days=1)
    model = LogisticRegression().fit(with_features(log, make_examples(log, given)))
    assert name_of(model) == "purchase_given_cart"
    assert horizon_of(model) == "within 1 day"
    predictions = Predictions(by_name([model]), log)
    with pytest.raises(DataError, match="nothing predicts 'purchase' here"):
        predictions.answer(ask(log, targets=("purchase",)))


def test_given_an_event_nothing_is_said_of_items_that_had_none(log: Dataset) -> None:
    given = ExampleSettings(target="purchase", given="cart", days=1, active_days=4)
    model = LogisticRegression().fit(with_features(log, make_examples(log, given)))
    asked = ask(log, explain=True)
    found = Predictions(by_name([model]), log).answer(asked)["purchase_given_cart"]
    own = asked.own.events
    recent = (own.timestamp >= 11 * DAY) & (own.timestamp < 15 * DAY) & (own.event_type == EventType.CART.code)
    in_cart = set(own.item_index[recent].tolist())
    assert 0 < len(in_cart) < N_ITEMS
    assert [item for item, value in zip(ITEMS, found.value, strict=True) if np.isfinite(value)] == sorted(in_cart)
    assert [bool(one) for one in found.reasons] == np.isfinite(found.value).tolist()
    with pytest.raises(DataError, match="after any moment"):
        Predictions(by_name([model]), log).answer(ask(log, visit=True))
