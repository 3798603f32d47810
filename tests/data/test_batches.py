from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.batches import Windows, cut_windows, group_windows, pack_last, pack_windows, prefix_windows
from shopkeeper.data.histories import Histories

lengths = st.lists(st.integers(0, 40), max_size=12)


def offsets_of(counts: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def cut(counts: list[int], max_length: int, overlap: int = 0, generator=None) -> Windows:
    """Every event but the last of a history has a target."""
    return cut_windows(
        offsets_of(counts), np.maximum(np.array(counts, dtype=np.int64) - 1, 0), max_length, overlap, generator
    )


def test_short_histories_are_one_window_and_long_ones_several():
    windows = cut([4, 1, 0, 8], max_length=3)
    assert windows.start.tolist() == [0, 5, 8, 9]
    assert windows.n_inputs.tolist() == [3, 3, 3, 3]
    assert windows.n_targets.tolist() == [3, 3, 3, 1]  # the last window reads back as far as it may


def test_overlap_reads_events_again_as_context():
    windows = cut([9], max_length=4, overlap=2)
    assert windows.start.tolist() == [0, 0, 2, 4]
    assert windows.n_inputs.tolist() == [2, 4, 4, 4]
    assert windows.n_targets.tolist() == [2, 2, 2, 2]


@given(lengths, st.integers(1, 10), st.integers(0, 9), st.integers(0, 5) | st.none())
def test_every_target_counts_exactly_once(counts, max_length, overlap, seed):
    offsets = offsets_of(counts)
    generator = None if seed is None else np.random.default_rng(seed)
    windows = cut(counts, max_length, min(overlap, max_length - 1), generator)
    end = windows.start + windows.n_inputs
    covered = [place for stop, n in zip(end, windows.n_targets, strict=True) for place in range(stop - n + 1, stop + 1)]
    expected = [p for start, stop in pairwise(offsets) for p in range(start + 1, stop)]
    assert sorted(covered) == expected
    assert (windows.n_inputs <= max_length).all()
    assert (windows.n_targets <= windows.n_inputs).all()
    assert (windows.n_targets > 0).all()
    owner = np.searchsorted(offsets, windows.start, side="right")
    assert (owner == np.searchsorted(offsets, end, side="right")).all(), "a window stays within one history"


def test_cuts_move_with_the_generator():
    starts = {tuple(cut([50], 10, 0, np.random.default_rng(s)).n_targets) for s in range(20)}
    assert len(starts) > 5


@given(lengths, st.integers(1, 50), st.integers(0, 5))
def test_batches_hold_each_window_once_and_about_equal_targets(counts, batch_targets, seed):
    windows = cut(counts, 10)
    batches = group_windows(windows, batch_targets, np.random.default_rng(seed))
    assert sorted(np.concatenate([[], *batches]).tolist()) == list(range(len(windows)))
    for batch in batches:
        assert windows.n_targets[batch].sum() <= 1.5 * batch_targets + 2 * 10


def test_windows_of_a_batch_are_of_like_length():
    generator = np.random.default_rng(0)
    windows = cut(generator.integers(2, 30, 2000).tolist(), 30)
    batches = group_windows(windows, 256, generator)
    targets = np.array([windows.n_targets[batch].sum() for batch in batches])
    assert abs(targets - 256).max() < 32
    assert max(np.ptp(windows.n_inputs[batch]) for batch in batches) <= 2
    means = [windows.n_inputs[batch].mean() for batch in batches]
    assert abs(np.corrcoef(means, range(len(means)))[0, 1]) < 0.4, "long and short batches are mixed"


def test_part_of_an_epoch():
    windows = cut([11] * 100, 10)
    one = group_windows(windows, 50, np.random.default_rng(0), max_targets=200)
    other = group_windows(windows, 50, np.random.default_rng(1), max_targets=200)
    assert sum(windows.n_targets[batch].sum() for batch in one) == 200
    assert set(np.concatenate(one)) != set(np.concatenate(other))
    assert len(np.concatenate(group_windows(windows, 50, np.random.default_rng(0), max_targets=1))) == 1


def test_a_batch_by_eye():
    batch = pack_windows(cut([4, 3], max_length=10), np.array([1, 0]))
    assert batch.events.tolist() == [4, 5, 0, 1, 2]
    assert batch.lengths.tolist() == [2, 3]
    assert batch.places.tolist() == [0, 1, 2, 3, 4]


def test_context_is_read_but_does_not_count():
    batch = pack_windows(cut([7], max_length=4, overlap=1), np.array([1]))
    assert batch.events.tolist() == [2, 3, 4, 5]
    assert batch.places.tolist() == [1, 2, 3]


def test_each_prefix_by_eye():
    offsets, n_targets = offsets_of([4, 1, 2]), np.array([3, 0, 1])
    windows = prefix_windows(offsets, n_targets, max_length=2)
    assert windows.start.tolist() == [0, 0, 1, 5]
    assert windows.n_inputs.tolist() == [1, 2, 2, 1]
    assert windows.n_targets.tolist() == [1, 1, 1, 1]


def test_windows_of_any_length_make_a_batch_where_asked():
    generator = np.random.default_rng(0)
    windows = cut(generator.integers(2, 30, 2000).tolist(), 30)
    batches = group_windows(windows, 256, generator, alike=False)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(windows)))
    assert min(np.ptp(windows.n_inputs[batch]) for batch in batches) > 9


def test_the_last_events_of_each_shopper():
    histories = Histories.of_items([[1, 2, 3, 4], [], [5], [6, 7]])
    last = pack_last(histories, np.array([3, 0, 2]), 3)
    assert last.events.tolist() == [5, 6, 1, 2, 3, 4]
    assert last.lengths.tolist() == [2, 3, 1]
    assert last.places.tolist() == [1, 4, 5]
    part = histories.slice(2, 4)
    assert pack_last(part, np.array([0, 1]), 1).events.tolist() == [0, 2]
    assert pack_last(histories, np.array([], dtype=np.int64), 3).events.tolist() == []
