"""What is like an item is not what is bought with it; the answer says which model gave it, and in which sense."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ShopkeeperError
from shopkeeper.jobs.bundles import make_bundle
from shopkeeper.pipeline.asking import Filters
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.recommenders.ease import EASE
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.transitions import Transitions
from shopkeeper.training.settings import TrainingSettings

NAMES = ["milk a", "milk b", "milk c", "banana a", "banana b", "banana c"]
FEED = {
    "item_id": NAMES, "title": [f"{name[:-2].title()} of farm {name[-1]}" for name in NAMES],
    "category": ["Fresh > Dairy > Milk"] * 3 + ["Fresh > Fruit"] * 3, "available": [True] * 5 + [False],
}  # fmt: skip
BASKETS = [[1, 4], [2, 5], [3, 6]] * 20
"""Milk and the banana of the same farm are always bought together."""


def shop(event_type: EventType | list[list[EventType]], feed: dict[str, list[object]] | None = FEED) -> Dataset:
    histories = Histories.of_items(BASKETS) if isinstance(event_type, list) else Histories.of_items(BASKETS, event_type)
    if isinstance(event_type, list):
        codes = np.array([kind.code for row in event_type for kind in row], dtype=np.uint8)
        histories = Histories(histories.offsets, histories.item_index, codes, histories.timestamp)
    catalog = None if feed is None else Catalog(pa.table(feed))
    return Dataset(Vocabulary(range(len(BASKETS))), Vocabulary(NAMES), histories, catalog=catalog)


def asked(
    pipeline: Pipeline | Bundle, kind: str = "similar", item: str = "milk a", **more: object
) -> tuple[list[str], str, str]:
    found = pipeline.similar_items([item], 5, kind, **more)
    assert found.meanings is not None
    return found.ids(0), found.source, found.meanings[0]


def test_milk_is_like_milk_and_bought_with_bananas() -> None:
    pipeline = Pipeline([Transitions()]).fit(shop(EventType.PURCHASE))
    ids, source, meaning = asked(pipeline)
    assert set(ids[:2]) == {"milk b", "milk c"} and source == "catalog" and "category" in meaning
    ids, source, meaning = asked(pipeline, "together")
    assert ids == ["banana a"] and (source, meaning) == ("Transitions", "bought by the same users")


def test_each_kind_learns_from_its_own_events() -> None:
    looked = [[EventType.VIEW, EventType.VIEW], [EventType.VIEW, EventType.VIEW], [EventType.PURCHASE] * 2] * 20
    pipeline = Pipeline([Transitions()]).fit(shop(looked))
    every = Filters(available=False)
    bought = asked(pipeline, "together", "milk c", filters=every)
    assert bought == (["banana c"], "ItemKNN", "bought by the same users")
    ids, source, meaning = asked(pipeline, "together", "milk b")
    assert (ids, source) == (["banana b"], "Transitions") and "no purchases of this item" in meaning
    ids, source, meaning = asked(pipeline, item="milk b")
    assert set(ids[:2]) == {"milk a", "milk c"} and source == "catalog + Transitions" and "viewed" in meaning


@pytest.mark.parametrize(("kind", "word"), [(EventType.PURCHASE, "bought"), (EventType.VIEW, "viewed")])
def test_where_the_catalog_says_nothing_another_model_answers_and_it_is_told(kind: EventType, word: str) -> None:
    pipeline = Pipeline([EASE()]).fit(shop(kind, None))
    ids, source, meaning = asked(pipeline)
    assert ids[0] == "banana a" and source == "EASE"
    assert meaning == f"{word} by the same users; the catalog does not say what this item is like"
    with pytest.raises(ShopkeeperError, match="no similarity"):
        Pipeline([MostPopular()]).fit(shop(kind, None)).similar_items(["milk a"])


def test_what_is_sold_out_excluded_or_filtered_does_not_come_out() -> None:
    pipeline = Pipeline([Transitions()]).fit(shop(EventType.PURCHASE))
    assert asked(pipeline, item="banana a")[0][0] == "banana b"
    assert "banana c" not in asked(pipeline, item="banana a")[0]
    every = Filters(available=False)
    assert set(asked(pipeline, item="banana a", filters=every)[0][:2]) == {"banana b", "banana c"}
    assert asked(pipeline, exclude=["milk b"])[0][0] == "milk c"
    assert set(asked(pipeline, filters=Filters(category="fruit"))[0]) == set()
    assert set(asked(pipeline, filters=Filters(category="fresh/fruit"))[0]) == {"banana a", "banana b"}


def test_a_bundle_answers_as_its_pipeline_before_and_after_saving(tmp_path: Path) -> None:
    looked = [[EventType.VIEW, EventType.PURCHASE]] * 30 + [[EventType.PURCHASE] * 2] * 30
    data = shop(looked)
    parts = split(data, SplitSettings(kind="leave_one_out"))
    made = make_bundle(Transitions().fit(data), data, parts, TrainingSettings(), evaluations=[], seconds=0.1)
    made.save(tmp_path / "bundle")
    loaded = Bundle.load(tmp_path / "bundle")
    for kind in ("similar", "together"):
        for item in NAMES:
            assert asked(loaded, kind, item) == asked(made, kind, item) == asked(made.pipeline, kind, item)
    assert asked(loaded, "together")[1] == "ItemKNN"
