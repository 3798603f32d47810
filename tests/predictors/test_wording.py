"""Every feature of a real log has words, and no name of a column comes out."""

from __future__ import annotations

import re

import numpy as np
import pytest

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.features import point_in_time_features
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.data.schema import EventType
from shopkeeper.predictors.base import Reason
from shopkeeper.predictors.feature_words import feature_words
from shopkeeper.predictors.wording import event_phrase, phrase, sentence, sentences, title, together
from small_logs import DAY, N_ITEMS, N_USERS, small_log


@pytest.fixture(scope="module")
def table() -> FeatureTable:
    """Of a log with every type of event, prices, brands, categories, placements and vectors of items."""
    rng = np.random.default_rng(0)
    log, n = small_log(3, n_events=200), 60
    asked = Examples(
        rng.integers(0, N_USERS + 1, n).astype(np.int32), rng.integers(0, N_ITEMS + 1, n).astype(np.int32),
        rng.integers(0, 25, n) * DAY, np.zeros(n, dtype=np.float32), placement=np.ones(n, dtype=np.uint8),
    )  # fmt: skip
    return point_in_time_features(log, asked, rng.normal(size=(N_ITEMS + 1, 3)).astype(np.float32))


def test_every_feature_of_a_log_has_words(table):
    assert len(table.names) > 50
    assert set(table.names) <= set(feature_words())


def test_no_name_of_a_column_comes_out(table):
    for name in table.names:
        for value in (*np.unique(table.column(name))[:20].tolist(), 0.0, 1.0, 1e6, float("nan")):
            said = sentence(Reason(name, value, 0.5))
            assert "_" not in said, said
            assert "nan" not in said.lower(), said
            assert said[0].isupper() and said.endswith(": speaks for it."), said
            assert "{" not in said and not re.search(r"\s\s|\b1 \w+s (ago|old)\b", said), said
        assert "_" not in title(name) and title(name)


@pytest.mark.parametrize(
    ("feature", "value", "effect", "said"),
    [
        ("pair_views", 3, 0.7, "The shopper viewed this item 3 times before: speaks for it."),
        ("pair_views", 1, 1.7, "The shopper viewed this item once before: speaks strongly for it."),
        ("pair_purchases", 0, -0.01, "The shopper did not buy this item before: speaks slightly against it."),
        ("pair_days_since_last", 2.1, 0.7, "The shopper met this item last 2 days ago: speaks for it."),
        ("pair_days_since_last", np.nan, -2, "The shopper never met this item before: speaks strongly against it."),
        ("user_days_since_last", 0.25, 0.2, "The shopper was here last 6 hours ago: speaks for it."),
        ("item_price_to_shop", np.log(0.7), 0.2,
         "The item is 30% cheaper than what is usual in the shop: speaks for it."),
        ("item_price_to_category", np.log(3), -0.2,
         "The item costs 3.0 times what is usual in its category: speaks against it."),
        ("item_purchase_per_view", 0.034, 0.2, "The item has 3.4 purchases for every 100 views: speaks for it."),
        ("user_category_concentration", 0.25, 0.2, "The shopper spreads over about 4.0 categories: speaks for it."),
        ("item_views", 1234, 0.0, "The item was viewed 1,234 times so far: makes no difference."),
        ("own_column", 2.5, 0.3, "Own column is 2.5: speaks for it."),
    ],
)  # fmt: skip
def test_sentences_are_plain(feature, value, effect, said):
    assert sentence(Reason(feature, float(value), effect)) == said


def test_reasons_that_say_the_same_are_one():
    reasons = [Reason("pair_views", 2.0, 0.5), Reason("hour_sin", 0.1, 0.4), Reason("hour_cos", 0.9, 0.3)]
    assert together(reasons) == [("the hour of the day", 0.7), ("the shopper viewed this item twice before", 0.5)]
    assert sentences(reasons)[0] == "The hour of the day: speaks for it."
    assert phrase(reasons[1]) == phrase(reasons[2])


def test_events_are_told():
    assert event_phrase(EventType.CART, "Red mug", 2.2) == "put Red mug in the cart 2 days ago"
    told = [event_phrase(event_type, "Red mug", 0.01) for event_type in EventType]
    assert all("Red mug" in one and one.endswith("14 minutes ago") for one in told)
    assert len(set(told)) == len(told)
