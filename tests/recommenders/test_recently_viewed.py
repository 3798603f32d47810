from dataclasses import replace

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.schema import EventType
from shopkeeper.recommenders.recently_viewed import RecentlyViewed, RecentlyViewedConfig


def test_most_recent_first_each_item_once(cycle: Dataset):
    answers = RecentlyViewed().fit(cycle).recommend(histories=[["item-03", "item-01", "item-03", "item-02"]], k=3)
    assert answers.ids(0) == ["item-02", "item-03", "item-01"]
    assert answers.scores[0].tolist() == [1, 0.5, np.float32(1 / 3)]


def test_shows_seen_items_though_the_data_never_repeat(cycle: Dataset):
    model = RecentlyViewed().fit(cycle)
    assert not model.hide_seen
    assert model.recommend([100], k=1)[0][0].source == "RecentlyViewed"


def test_hidden_on_request_leaves_the_fallback(cycle: Dataset):
    answer = RecentlyViewed().fit(cycle).recommend([100], k=2, hide_seen=True)[0]
    assert [item.source for item in answer] == ["MostPopular"] * 2


def test_only_events_of_the_types_asked_for(cycle: Dataset):
    kinds = cycle.histories.event_type.copy()
    kinds[:8] = [EventType.CART.code] * 2 + [EventType.VIEW.code] * 6
    shop = replace(cycle, histories=replace(cycle.histories, event_type=kinds))
    carted = RecentlyViewed(RecentlyViewedConfig(event_types=(EventType.CART,))).fit(shop)
    first, second = shop.items.ids(shop.histories.items_of(0)[:2])
    assert carted.recommend([100], k=2).ids(0) == [second, first]
