"""The steps that session kNN models share, and V-SKNN and STAN against plain loops over sessions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders.session_index import SessionIndex
from shopkeeper.recommenders.stan import STAN, STANConfig
from shopkeeper.recommenders.vsknn import VSKNN, VSKNNConfig

DAY = 86_400_000_000
N_ITEMS = 5
ONES = np.ones(9, dtype=np.float32)
sessions = st.lists(st.lists(st.integers(1, N_ITEMS), max_size=6), min_size=1, max_size=6).filter(any)
question = st.lists(st.integers(1, N_ITEMS), min_size=1, max_size=6)


def shop(walks: list[list[int]], n_items: int = N_ITEMS) -> Dataset:
    """The sessions, a day apart, the last one the most recent."""
    histories = Histories.of_items(walks)
    histories = replace(histories, timestamp=histories.timestamp + histories.rows * DAY)
    return Dataset(Vocabulary(range(len(walks))), Vocabulary(range(1, n_items + 1)), histories)


def scores(model: VSKNN | STAN, asked: list[int]) -> list[float]:
    found = model.score(np.zeros(1, dtype=np.int32), Histories.of_items([asked]))[0]
    return [float(value) for value in np.where(np.isneginf(found), 0, found)]


def newest_first(asked: list[int]) -> list[int]:
    return list(dict.fromkeys(asked[::-1]))


def by_loops(walks, asked, query_weight, session_weight, event_weight, item_weight) -> list[float]:
    """Every past session votes for each of its events: similarity times what the event counts."""
    places = {item: place for place, item in enumerate(newest_first(asked))}
    expected = [0.0] * (N_ITEMS + 1)
    for number, walk in enumerate(walks):
        shared = [item for item in places if item in walk]
        if not shared:
            continue
        similarity = sum(query_weight(places[item]) for item in shared) * session_weight(number, walk)
        latest = min(shared, key=lambda item: places[item])
        stands = len(walk) - 1 - walk[::-1].index(latest)
        for place, item in enumerate(walk):
            expected[item] += similarity * event_weight(place - stands, latest) * item_weight(item)
    return expected


@settings(max_examples=60)
@given(sessions, question, st.sampled_from([0.0, 2.0]))
def test_vsknn_equals_loops_over_sessions(walks, asked, idf):
    model = VSKNN(VSKNNConfig(query_decay="linear", vote_decay="harmonic", idf=idf, own=1.0, repeats=0.0,
                              length_power=0.5, target_power=0.0, hide_seen=False)).fit(shop(walks))  # fmt: skip
    n_sessions = sum(bool(walk) for walk in walks)

    def item_weight(item: int) -> float:
        return 1 + idf * np.log(n_sessions / max(1, sum(item in walk for walk in walks)))

    expected = by_loops(
        walks, asked, lambda step: 1 - step / 10, lambda _, walk: len(walk) ** -0.5,
        lambda _, item: 1 / (newest_first(asked).index(item) + 1), item_weight,
    )  # fmt: skip
    np.testing.assert_allclose(scores(model, asked), expected, rtol=1e-4, atol=1e-6)


@settings(max_examples=60)
@given(sessions, question, st.sampled_from([None, 2.0]))
def test_stan_equals_loops_over_sessions(walks, asked, recency):
    config = STANConfig(history_decay=0.5, vote_decay=0.9, distance_decay=0.7, before=0.3, own=0.2, repeats=1.0,
                        length_power=0.5, target_power=0.5, recency_days=recency, hide_seen=False)  # fmt: skip
    model = STAN(config).fit(shop(walks))
    ends = [number * DAY + (len(walk) - 1) * 1e6 for number, walk in enumerate(walks) if walk]

    def session_weight(number: int, walk: list[int]) -> float:
        age = (max(ends) - number * DAY - (len(walk) - 1) * 1e6) / DAY
        return len(walk) ** -0.5 * (1.0 if recency is None else np.exp(-age / recency))

    def event_weight(distance: int, shared: int) -> float:
        side = 0.2 * asked.count(shared) if distance == 0 else 0.3 if distance < 0 else 1.0
        return 0.9 ** newest_first(asked).index(shared) * side * 0.7 ** max(0, abs(distance) - 1)

    expected = by_loops(
        walks, asked, lambda step: 0.5**step, session_weight, event_weight,
        lambda item: max(1, sum(item in walk for walk in walks)) ** -0.5,
    )  # fmt: skip
    np.testing.assert_allclose(scores(model, asked), expected, rtol=1e-4, atol=1e-6)


def test_a_neighbor_may_say_the_shared_item_alone():
    model = STAN(STANConfig(own=0.5, before=0.0, target_power=0.0, length_power=0.0)).fit(shop([[1, 2]]))
    assert scores(model, [2]) == [0, 0, 0.5, 0, 0, 0]


def test_only_the_nearest_sessions_vote():
    walks = [[1, 2, 3], [1, 4], [2, 5]]
    model = VSKNN(VSKNNConfig(neighbors=1, idf=0.0)).fit(shop(walks))
    found = scores(model, [1, 2])
    assert [item for item in range(1, 6) if found[item] > 0] == [1, 2, 3]


def test_only_the_most_recent_sessions_of_an_item_are_looked_at():
    model = VSKNN(VSKNNConfig(sessions_an_item=1)).fit(shop([[1, 2], [1, 3], [4, 5]]))
    assert [item for item in range(1, 6) if scores(model, [1])[item] > 0] == [1, 3]


def test_only_the_last_events_of_a_history_are_the_question():
    model = VSKNN(VSKNNConfig(history_length=1)).fit(shop([[1, 2], [3, 4]]))
    assert [item for item in range(1, 6) if scores(model, [1, 3])[item] > 0] == [3, 4]


def test_an_item_that_comes_twice_counts_where_it_is_most_recent():
    model = VSKNN(VSKNNConfig(query_decay="quadratic", repeats=0.0)).fit(shop([[1, 2], [3, 4]]))
    assert scores(model, [1, 3, 1]) == scores(model, [3, 1])


def test_histories_are_split_into_the_sessions_of_the_log():
    log = replace(shop([[1, 2, 3, 4]]), session_index=np.array([0, 0, 1, 1], dtype=np.int32))
    model = VSKNN().fit(log)
    assert model.index.n_sessions == 2
    assert [item for item in range(1, 6) if scores(model, [1])[item] > 0] == [1, 2]


def test_events_that_do_not_count_are_no_part_of_a_session():
    log = shop([[1, 2, 3]])
    kinds = np.array([EventType.VIEW.code, EventType.IMPRESSION.code, EventType.VIEW.code], dtype=np.uint8)
    model = VSKNN().fit(replace(log, histories=replace(log.histories, event_type=kinds)))
    assert [item for item in range(1, 6) if scores(model, [1])[item] > 0] == [1, 3]


def test_the_index_lists_each_session_once_the_most_recent_first():
    index = SessionIndex.of(shop([[1, 2, 1], [], [1]]), ONES, sessions_an_item=10)
    assert index.places[index.item_offsets[1] : index.item_offsets[2]].tolist() == [3, 2]
    assert index.frequency.tolist() == [0, 2, 1, 0, 0, 0]
    assert index.age.tolist() == pytest.approx([2.0, 0.0], abs=1e-4)
    assert index.session_of(np.array([0, 2, 3])).tolist() == [0, 0, 1]


def test_stan_prefers_what_follows_to_what_precedes():
    model = STAN(STANConfig(hide_seen=True)).fit(shop([[1, 2, 3]]))
    assert model.recommend(histories=[[2]], k=2).ids(0) == [3, 1]


def test_stan_prefers_recent_sessions():
    model = STAN(STANConfig(recency_days=1.0)).fit(shop([[1, 2], [1, 3]]))
    assert model.recommend(histories=[[1]], k=2, hide_seen=True).ids(0) == [3, 2]


def test_similar_items_are_those_of_the_sessions_of_an_item():
    assert VSKNN().fit(shop([[1, 2], [1, 2], [1, 3], [4, 5]])).similar_items([1]).ids(0) == [2, 3]


def test_the_estimate_counts_events():
    small, large = (VSKNN().estimate(shop([[1, 2]] * n)) for n in (10, 1000))
    assert large.bytes > small.bytes
