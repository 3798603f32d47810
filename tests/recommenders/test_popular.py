from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.popular import MICROSECONDS_A_DAY, MostPopular, MostPopularConfig

ITEMS = ["apple", "bread", "cider", "drill", "engine"]


def shop(walks: list[list[int]], category: pa.Array | None = None) -> Dataset:
    catalog = None
    if category is not None:
        catalog = Catalog(
            pa.table({"item_id": pa.array([*ITEMS, "not sold"], pa.large_string()), "category": category})
        )
    users = Vocabulary(range(len(walks)))
    return Dataset(users, Vocabulary(ITEMS), Histories.of_items(walks), catalog=catalog)


WALKS = [[1, 2], [1, 3], [1], [4, 5], [4, 5, 5, 4, 4, 5]]
PATHS = pa.array(["Food > Fruit", "Food > Bakery", "Food > Fruit", "Tools", None, "Food > Fruit"])
LISTS = pa.array([["Food", "Fruit"], ["Food", "Bakery"], ["Food", "Fruit"], ["Tools"], [], ["Food", "Fruit"]])


def test_most_events_first():
    answers = MostPopular().fit(shop(WALKS)).recommend(["stranger"], k=3)
    assert answers.ids(0) == ["drill", "engine", "apple"]
    assert answers.scores[0].tolist() == [4, 4, 3]


def test_events_count_by_type():
    data = shop([[1, 1, 1, 2]])
    kinds = np.array([EventType.VIEW.code] * 3 + [EventType.PURCHASE.code], dtype=np.uint8)
    data = replace(data, histories=replace(data.histories, event_type=kinds))
    assert MostPopular().fit(data).recommend(["stranger"]).ids(0)[0] == "bread"
    alike = MostPopularConfig(weights=EventWeights(purchase=1))
    assert MostPopular(alike).fit(data).recommend(["stranger"]).ids(0)[0] == "apple"


def test_old_events_fade():
    data = shop([[1, 1, 1, 2, 2]])
    days = np.array([0, 0, 0, 10, 10], dtype=np.int64) * MICROSECONDS_A_DAY
    data = replace(data, histories=replace(data.histories, timestamp=days))
    model = MostPopular(MostPopularConfig(half_life_days=10)).fit(data)
    np.testing.assert_allclose(model.popularity[1:3], [1.5, 2.0])


@pytest.mark.parametrize("category", [PATHS, LISTS], ids=["text", "lists"])
def test_within_the_categories_of_the_history(category):
    model = MostPopular(MostPopularConfig(category_depth=1)).fit(shop(WALKS, category))
    answer = model.recommend(histories=[["cider"]], k=4, hide_seen=False)
    assert answer.ids(0)[:3] == ["apple", "bread", "cider"]
    np.testing.assert_allclose(answer.scores[0][:3], [3 / 5, 1 / 5, 1 / 5], rtol=1e-6)


def test_a_deeper_category_is_narrower():
    model = MostPopular(MostPopularConfig(category_depth=2)).fit(shop(WALKS, PATHS))
    answers = model.recommend(histories=[["cider"]], k=5, hide_seen=True)
    assert answers.ids(0) == ["apple", "drill", "engine", "bread"]
    assert answers.from_fallback[0].tolist() == [False, True, True, True, True]


def test_the_share_of_a_category_in_the_history_counts():
    model = MostPopular(MostPopularConfig(category_depth=1, history_decay=1.0)).fit(shop(WALKS, PATHS))
    scores = model.recommend(histories=[["drill", "cider", "bread", "bread"]], k=5, hide_seen=False)
    found = dict(zip(scores.ids(0), scores.scores[0].tolist(), strict=True))
    assert found["drill"] == pytest.approx(1 / 4)
    assert found["apple"] == pytest.approx(3 / 4 * 3 / 5)


def test_an_item_without_category_gets_the_plain_list():
    model = MostPopular(MostPopularConfig(category_depth=1)).fit(shop(WALKS, PATHS))
    assert model.recommend(histories=[["engine"]], k=2, hide_seen=False).ids(0) == ["drill", "engine"]


def test_categories_survive_without_the_catalog(tmp_path):
    model = MostPopular(MostPopularConfig(category_depth=1)).fit(shop(WALKS, PATHS))
    model.remember(shop(WALKS))
    model.save(tmp_path / "model")
    loaded = Recommender.load(tmp_path / "model")
    assert loaded.train.catalog is None
    assert loaded.recommend(histories=[["cider"]], k=1).ids(0) == ["apple"]


def test_without_categories_it_says_what_is_missing():
    with pytest.raises(DataError, match="no catalog"):
        MostPopular(MostPopularConfig(category_depth=1)).fit(shop(WALKS))
