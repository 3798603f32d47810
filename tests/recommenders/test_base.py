"""What the base class decides for all: hiding, the fallback below the model, names, and refusals when loading."""

from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ArtifactError, ConfigError, ShopkeeperError
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.ease import EASEConfig
from shopkeeper.recommenders.item_knn import ItemKNN
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.recently_viewed import RecentlyViewed, RecentlyViewedConfig
from shopkeeper.recommenders.registry import recommender_class, recommender_classes
from shopkeeper.recommenders.transitions import Transitions, TransitionsConfig


def shop(walks: list[list[int]]) -> Dataset:
    return Dataset(Vocabulary(range(len(walks))), Vocabulary("abcdef"), Histories.of_items(walks))


def test_seen_items_are_hidden_only_where_shoppers_do_not_come_back():
    assert Transitions().fit(shop([[1, 2, 3], [2, 3, 4]])).hide_seen
    assert not Transitions().fit(shop([[1, 2, 1], [2, 3, 2]])).hide_seen


def test_whether_seen_items_are_hidden_can_be_said():
    come_back = shop([[1, 2, 1], [2, 3, 2]])
    assert Transitions(TransitionsConfig(hide_seen=True)).fit(come_back).hide_seen
    assert not Transitions(TransitionsConfig(hide_seen=False)).fit(shop([[1, 2, 3], [2, 3, 4]])).hide_seen
    silent = RecentlyViewed(RecentlyViewedConfig(hide_seen=True)).fit(come_back)
    assert silent.recommend(histories=[["a"]], k=1).ids(0) == ["b"]


def test_where_the_model_is_silent_popular_items_follow_below():
    model = Transitions().fit(shop([[1, 2], [5], [5], [4]]))
    answer = model.recommend(histories=[["a"]], k=6, hide_seen=True)
    assert answer.ids(0) == ["b", "e", "d", "c", "f"]
    assert answer.from_fallback[0].tolist() == [False, True, True, True, True, True]
    assert [item.source for item in answer[0]] == ["Transitions", *["MostPopular"] * 4]
    assert (np.diff(answer.scores[0][:5]) < 0).all()


def test_a_given_history_is_taken_for_the_usual_events_of_the_log(cycle: Dataset):
    kinds = np.full(cycle.n_events, EventType.PURCHASE.code, dtype=np.uint8)
    model = ItemKNN().fit(replace(cycle, histories=replace(cycle.histories, event_type=kinds)))
    assert model.usual_event is EventType.PURCHASE
    history = cycle.items.ids(cycle.histories.items_of(0))
    known, given = model.recommend([100], k=4), model.recommend(histories=[history], k=4)
    np.testing.assert_array_equal(known.scores, given.scores)


def test_later_events_are_answered_from_without_learning(cycle: Dataset):
    model = Transitions().fit(cycle)
    names = cycle.items.arrow.to_pylist()
    later = Dataset(Vocabulary([7, 100]), Vocabulary([*names[:3], "new"]), Histories.of_items([[1, 2], [3, 4]]))
    model.remember(later)
    answers = model.recommend([7, 100], k=1, hide_seen=True)
    assert [answers.ids(0), answers.ids(1)] == [["item-03"], ["item-04"]]
    assert model.recommend([101], k=1).from_fallback.all()


def test_settings_of_another_model_are_refused():
    with pytest.raises(ShopkeeperError, match="settings of another model"):
        MostPopular(EASEConfig())


def test_another_model_is_not_loaded(cycle: Dataset, tmp_path):
    MostPopular().fit(cycle).save(tmp_path / "model")
    with pytest.raises(ArtifactError, match="another model"):
        Transitions.load(tmp_path / "model")
    (tmp_path / "model" / "state.safetensors").write_bytes(b"not it")
    with pytest.raises(ArtifactError, match="truncated or changed"):
        Recommender.load(tmp_path / "model")


def test_models_are_found_by_name_in_any_spelling():
    assert recommender_class("most-popular") is recommender_class("MOST_POPULAR") is MostPopular
    assert list(recommender_classes()) == sorted(recommender_classes())
    with pytest.raises(ConfigError, match="did you mean 'Transitions'"):
        recommender_class("Transition")
