import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import Hide
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders.transitions import Transitions, TransitionsConfig

PLAIN = {
    "influence": {"events_an_item": None, "usual_users": None},
    "source_power": 0.0,
    "target_power": 0.0,
    "backward": 0.0,
    "history_decay": 1.0,
    "neighbors": None,
}


def shop(walks: list[list[int]], n_items: int = 4) -> Dataset:
    return Dataset(Vocabulary(range(len(walks))), Vocabulary(range(1, n_items + 1)), Histories.of_items(walks))


def matrix(walks: list[list[int]], **settings_: float) -> np.ndarray:
    return Transitions(TransitionsConfig(**{**PLAIN, **settings_})).fit(shop(walks)).links.toarray()


def test_counts_fall_with_distance():
    found = matrix([[1, 2, 3, 4]], distance_decay=0.5)
    assert found[1].tolist() == [0, 0, 1, 0.5, 0.25]
    assert found[4].tolist() == [0] * 5


def test_pairs_do_not_cross_shoppers_or_the_window():
    found = matrix([[1, 2], [3, 4]], window=3)
    assert found.sum() == 2
    assert matrix([[1, 2, 3]], window=1)[1].tolist() == [0, 0, 1, 0, 0]


def test_an_item_does_not_follow_itself():
    assert matrix([[1, 1, 2]], distance_decay=0.5)[1].tolist() == [0, 0, 1.5, 0, 0]


def test_backward_pairs_count_their_share():
    found = matrix([[1, 2]], backward=0.5)
    assert found[1, 2] == 1
    assert found[2, 1] == 0.5


def test_powers_of_the_frequencies_divide():
    walks = [[1, 2], [1, 2], [1, 3], [1, 4]]
    assert matrix(walks, source_power=1.0)[1].tolist() == [0, 0, 0.5, 0.25, 0.25]
    assert matrix(walks, target_power=1.0)[1].tolist() == [0, 0, 1, 1, 1]


def test_only_the_strongest_followers_are_kept():
    assert matrix([[1, 2], [1, 2], [1, 3]], neighbors=1)[1].tolist() == [0, 0, 2, 0, 0]


def test_the_history_decays():
    model = Transitions(TransitionsConfig(**{**PLAIN, "history_decay": 0.5})).fit(shop([[1, 3], [2, 4]]))
    answer = model.recommend(histories=[[1, 2]], k=2, hide_seen=True)
    assert answer.ids(0) == [4, 3]
    assert answer.scores[0].tolist() == [1, 0.5]


def test_similar_items_are_those_that_follow():
    model = Transitions(TransitionsConfig(**PLAIN)).fit(shop([[1, 2], [1, 2], [1, 3]]))
    assert model.similar_items([1]).ids(0) == [2, 3]
    assert model.similar_items([4]).ids(0) == []


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 4), max_size=7), min_size=1, max_size=6).filter(any),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.5]),
)
def test_equals_counting_pair_by_pair(walks, window, backward):
    expected = np.zeros((5, 5))
    for walk in walks:
        for place, earlier in enumerate(walk):
            for distance, later in enumerate(walk[place + 1 : place + 1 + window]):
                if earlier != later:
                    expected[earlier, later] += 0.5**distance
                    expected[later, earlier] += backward * 0.5**distance
    found = matrix(walks, window=window, distance_decay=0.5, backward=backward)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_single_shopper_with_one_event_has_no_pairs():
    model = Transitions().fit(shop([[2]]))
    assert model.links.nnz == 0
    assert model.recommend([0], k=1).from_fallback.all()


@pytest.mark.slow
@pytest.mark.shared_data
def test_amazon_beauty_reaches_the_counted_figure(shared_data):
    rows = [
        np.array(line.split()[1:], dtype=np.int32)
        for line in (shared_data / "amazon-beauty" / "sequences.txt").read_text().splitlines()
    ]
    train = shop([row[:-2] for row in rows], max(row.max() for row in rows))
    chosen_on_validation = TransitionsConfig(window=20, distance_decay=0.8, history_decay=0.6, source_power=0.2,
                                             target_power=0.1, backward=0.0)  # fmt: skip
    model = Transitions(chosen_on_validation).fit(train)
    asked, targets = Histories.of_items([row[:-1] for row in rows]), np.array([row[-1] for row in rows])
    ranks = np.zeros(len(rows))
    for start, batch in asked.batches(model.batch_size()):
        scores, _ = model.final_scores(np.zeros(len(batch), dtype=np.int32), batch, hide=Hide.SEEN)
        target = np.take_along_axis(scores, targets[start : start + len(batch), None], axis=1)
        ranks[start : start + len(batch)] = (scores > target).sum(axis=1) + ((scores == target).sum(axis=1) + 1) / 2
    hits = ranks <= 10
    assert hits.mean() >= 0.0827
    assert (hits / np.log2(ranks + 1)).mean() >= 0.0522
