"""The leakage check passes honest code and catches planted leaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Split
from shopkeeper.data.leakage import check_leakage, shuffle_future
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError

N_USERS, N_ITEMS, LENGTH = 40, 12, 20


@pytest.fixture
def data() -> Dataset:
    rng = np.random.default_rng(0)
    walks = [rng.integers(1, N_ITEMS + 1, LENGTH) for _ in range(N_USERS)]
    histories = Histories.of_items(walks)
    session = np.arange(histories.n_events, dtype=np.int32) // 2
    price = rng.uniform(1, 9, histories.n_events).astype(np.float32)
    placement = rng.integers(0, 6, histories.n_events).astype(np.uint8)
    placement[(placement == 5) & (histories.timestamp < 15_000_000)] = 0
    histories = replace(histories, placement=placement)
    return Dataset(
        Vocabulary(range(N_USERS)), Vocabulary(range(N_ITEMS)), histories, session_index=session, price=price,
        placements=Vocabulary(["app", "cart", "home", "mail", "shelf"]),
    )  # fmt: skip


def popularity(parts: Split) -> dict[str, np.ndarray]:
    return {"counts": parts.train.item_counts()}


def popularity_with_the_test(parts: Split) -> dict[str, np.ndarray]:
    ahead = np.bincount(parts.test.targets.item_index, minlength=parts.train.n_items + 1)
    return {"counts": parts.train.item_counts() + ahead, "size": np.array([parts.train.n_items])}


@pytest.mark.parametrize("kind", ["global_time", "leave_one_out", "ratio", "session", "user"])
def test_every_split_and_an_honest_artifact_pass(data, kind):
    report = check_leakage(data, SplitSettings(kind=kind), {"popularity": popularity})
    assert report.passed, report.to_text()
    assert [check.name for check in report.checks] == ["training part", "popularity"]
    assert report.shuffled_events > 0
    assert "unchanged" in report.to_text()


def test_an_artifact_that_counts_the_test_is_caught_and_named(data):
    report = check_leakage(data, SplitSettings(), {"honest": popularity, "popularity": popularity_with_the_test})
    assert not report.passed
    assert [(check.name, check.changed) for check in report.checks if check.leaks] == [("popularity", ("counts",))]
    assert "LEAKS the future in counts" in report.to_text()


def test_a_split_whose_vocabulary_comes_from_the_whole_log_is_caught(data):
    rare = replace(data.histories, item_index=np.minimum(data.histories.item_index, 6))
    unseen = rare.timestamp == rare.timestamp.max()
    rare = replace(rare, item_index=np.where(unseen, 12, rare.item_index).astype(np.int32))

    def leaky(dataset: Dataset, settings: SplitSettings) -> Split:
        parts = split(dataset, settings)
        return replace(parts, train=replace(parts.train, items=dataset.compact().items))

    report = check_leakage(replace(data, histories=rare), SplitSettings(), make_split=leaky)
    assert report.checks[0].changed == ("items",)


def test_a_split_whose_placements_come_from_the_whole_log_is_caught(data):
    def leaky(dataset: Dataset, settings: SplitSettings) -> Split:
        parts = split(dataset, settings)
        placement = np.maximum(parts.train.histories.placement, dataset.histories.placement[-1])
        histories = replace(parts.train.histories, placement=placement)
        return replace(parts, train=replace(parts.train, histories=histories))

    assert check_leakage(data, SplitSettings(), make_split=leaky).checks[0].changed == ("placement",)


def test_shuffling_keeps_the_past_and_changes_the_future(data):
    future = data.histories.timestamp >= 15_000_000
    shuffled = shuffle_future(data, future, seed=1, users_too=True)
    assert shuffled.select(shuffled.histories.timestamp < 15_000_000).data_hash == data.select(~future).data_hash
    assert sorted(shuffled.histories.timestamp) == sorted(data.histories.timestamp)
    assert (shuffled.histories.lengths != data.histories.lengths).any()
    inside = np.diff(shuffled.histories.timestamp)[np.diff(shuffled.histories.rows) == 0]
    assert (inside >= 0).all()


def test_without_a_future_there_is_nothing_to_check():
    single = Dataset(Vocabulary([1]), Vocabulary([1]), Histories.of_items([[1]]))
    with pytest.raises(DataError, match="no event after training"):
        check_leakage(single, SplitSettings(kind="leave_one_out"))
