"""Personal frequency: the most frequent item of the history first, the more popular one where two are level."""

from __future__ import annotations

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders.personal_frequency import PersonalFrequency, PersonalFrequencyConfig


def shop() -> Dataset:
    """Item d is the most popular one, then c, b, a."""
    walks = [[1, 2, 2, 3], [4, 4, 4, 3], [4, 3, 4, 2]]
    return Dataset(Vocabulary([1, 2, 3]), Vocabulary(["a", "b", "c", "d"]), Histories.of_items(walks))


def test_most_frequent_first_then_the_more_popular_then_the_fallback() -> None:
    answer = PersonalFrequency().fit(shop()).recommend([1], k=4)[0]
    assert [item.item_id for item in answer] == ["b", "c", "a", "d"]
    assert [item.source for item in answer] == ["PersonalFrequency"] * 3 + ["MostPopular"]


def test_fading_puts_what_was_taken_last_first() -> None:
    model = PersonalFrequency(PersonalFrequencyConfig(history_decay=0.3)).fit(shop())
    assert model.recommend(histories=[["d", "d", "d", "a"]], k=2).ids(0) == ["a", "d"]


def test_it_shows_seen_items_unless_told_otherwise() -> None:
    model = PersonalFrequency().fit(shop())
    assert not model.hide_seen
    assert model.recommend([2], k=1).ids(0) == ["d"]
    assert model.recommend([2], k=1, hide_seen=True)[0][0].source == "MostPopular"
