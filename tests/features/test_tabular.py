"""Numbers of the catalog and the log as of a moment, on a shop small enough to count by eye."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.features.feature import Feature
from shopkeeper.features.price_position import price_positions
from shopkeeper.features.tabular import DAY, TabularSettings, tabular_feature

START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
NOW = START + 100 * DAY
ITEMS = Vocabulary(["a", "b", "c", "d", "e"])


def dataset(*events: tuple[int, float], **columns: list[object]) -> Dataset:
    """Events as (item index, day) of one shopper, and a catalog."""
    item, day = (np.array(values) for values in zip(*sorted(events, key=lambda event: event[1]), strict=True))
    histories = Histories(
        offsets=np.array([0, len(item)]), item_index=item.astype(np.int32),
        event_type=np.full(len(item), 2, dtype=np.uint8), timestamp=START + (day * DAY).astype(np.int64),
    )  # fmt: skip
    catalog = Catalog(pa.table({"item_id": ITEMS.arrow, **columns})) if columns else None
    return Dataset(Vocabulary([1]), ITEMS, histories, catalog=catalog)


def column(feature: Feature, name: str) -> list[float]:
    place = feature.facts["columns"].index(name)
    assert not feature.matrix[0].any()
    return [round(float(value), 4) for value in feature.matrix[1:, place]]


EVENTS = ((1, 10), (1, 20), (1, 95), (2, 99), (3, 101), (4, 50))


def test_popularity_counts_what_was_before_and_nothing_later() -> None:
    found = tabular_feature(dataset(*EVENTS), NOW)
    np.testing.assert_allclose(column(found, "popularity"), np.log1p([3, 1, 0, 1, 0]), atol=1e-4)
    np.testing.assert_allclose(column(found, "popularity_recent"), np.log1p([1, 1, 0, 0, 0]), atol=1e-4)
    assert column(found, "popularity_position") == [0.8333, 0.3333, 0.0, 0.3333, 0.0]
    assert found.facts["there"] == 3
    assert found.known.tolist() == [False] + [True] * 5


def test_age_is_since_listing_or_the_first_event() -> None:
    listed = [datetime(2026, 1, 1, tzinfo=UTC), None, None, datetime(2027, 1, 1, tzinfo=UTC), None]
    found = tabular_feature(dataset(*EVENTS, created_at=pa.array(listed, pa.timestamp("us", "UTC"))), NOW)
    np.testing.assert_allclose(column(found, "age"), np.log1p([100, 1, 0, 0, 0]), atol=1e-4)


def test_a_price_has_its_place_within_the_deepest_category_that_has_enough() -> None:
    found = tabular_feature(
        dataset((1, 1), (2, 1), (3, 1), (4, 1), (5, 1), price=[10.0, 20.0, 30.0, None, 5.0],
                category=["A > x", "A > x", "A > y", "A > x", "B"]),
        NOW, TabularSettings(price_among=2),
    )  # fmt: skip
    # a and b within "A > x"; c within "A" (10, 20, 30), since "A > y" has one; e among all (5, 10, 20, 30)
    assert column(found, "price_position") == [0.25, 0.75, 0.8333, 0.5, 0.125]
    assert column(found, "price_known") == [1, 1, 1, 0, 1]


def test_steps_and_brands_get_columns_by_how_many_items_have_them() -> None:
    found = tabular_feature(
        dataset((1, 1), (2, 1), (3, 1), (4, 1), category=["A > x", "A > x", "A", None, "B"],
                brand=["Z", "Y", "Y", None, "W"], available=[True, False, None, True, True]),
        NOW, TabularSettings(category_steps=2, brands=1),
    )  # fmt: skip
    assert [name for name in found.facts["columns"] if ":" in name] == ["category:A", "category:x", "brand:Y"]
    assert column(found, "category:A") == [1, 1, 1, 0, 0]
    assert column(found, "brand:Y") == [0, 1, 1, 0, 0]
    assert column(found, "available") == [1, 0, 1, 1, 1]


def test_later_events_and_items_that_come_later_change_nothing() -> None:
    generator = np.random.default_rng(0)
    columns = {"price": [3.0, 1.0, 2.0, 5.0, 4.0], "category": ["A", "A", "A", "A", "B"], "brand": list("vwxyz")}
    before = [(int(item), float(day)) for item, day in zip(generator.integers(1, 5, 30), range(30), strict=True)]
    later = [(int(item), 200.0 + day) for day, item in enumerate(generator.integers(1, 6, 50))]
    now = START + 60 * DAY
    first = tabular_feature(dataset(*before, **columns), now)
    second = tabular_feature(dataset(*before, *later, **columns), now)
    assert np.array_equal(first.matrix, second.matrix)
    assert first.facts == second.facts
    changed = {**columns, "price": [3.0, 1.0, 2.0, 5.0, 400.0], "brand": [*"vwxy", "q"]}  # of the item not yet there
    third = tabular_feature(dataset(*before, **changed), now)
    assert np.array_equal(first.matrix[1:5], third.matrix[1:5])


def test_without_a_catalog_the_log_alone_speaks() -> None:
    found = tabular_feature(replace(dataset(*EVENTS), catalog=None), NOW)
    assert found.facts["columns"] == ["popularity", "popularity_recent", "popularity_position", "age"]


def test_positions_agree_with_counting() -> None:
    generator = np.random.default_rng(1)
    price = generator.integers(1, 8, 60).astype(float)
    price[generator.random(60) < 0.1] = np.nan
    level, there = generator.integers(-1, 4, 60), generator.random(60) < 0.7

    def counted(place: int) -> float:
        if np.isnan(price[place]):
            return 0.5
        here = there & ~np.isnan(price)
        group = here & (level == level[place])
        others = price[group if level[place] >= 0 and group.sum() >= 6 else here]
        return float(((others < price[place]) + (others == price[place]) / 2).mean())

    expected = [counted(place) for place in range(60)]
    assert price_positions(price, [level], there, 6).tolist() == pytest.approx(expected)
