"""The prepared log: on disk and back, parts of it, and as a matrix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ArtifactError, DataError

VIEW, CART = EventType.VIEW.code, EventType.CART.code


@pytest.fixture
def small() -> Dataset:
    """ann: pear, apple, pear; bob: nothing; cy: fig. Nobody looked at the kiwi."""
    histories = Histories(
        offsets=np.array([0, 3, 3, 4], np.int64),
        item_index=np.array([4, 1, 4, 2], np.int32),
        event_type=np.array([VIEW, VIEW, CART, VIEW], np.uint8),
        timestamp=np.array([10, 20, 30, 15], np.int64),
        placement=np.array([3, 0, 1, 3], np.uint8),
    )
    return Dataset(
        users=Vocabulary(["ann", "bob", "cy"]),
        items=Vocabulary(["apple", "fig", "kiwi", "pear"]),
        histories=histories,
        quantity=np.array([1, 2, 3, 4], np.float32),
        price=np.array([0.5, 1, 1.5, np.nan], np.float32),
        session_index=np.array([0, 0, 1, 2], np.int32),
        placements=Vocabulary(["cart page", "mail", "search"]),
        catalog=Catalog(pa.table({"item_id": ["apple", "pear"], "title": ["An apple", "一个梨"]})),
        facts={"source": "by hand"},
    )


def ids(dataset: Dataset) -> dict:
    return {
        user: dataset.items.ids(dataset.histories.items_of(place))
        for place, user in enumerate(dataset.users.arrow.to_pylist())
    }


def assert_same(first: Dataset, second: Dataset) -> None:
    assert (first.users, first.items, first.facts) == (second.users, second.items, second.facts)
    assert first.placements == second.placements
    np.testing.assert_array_equal(first.histories.placement, second.histories.placement)
    for name in ("offsets", "item_index", "event_type", "timestamp"):
        ours, theirs = getattr(first.histories, name), getattr(second.histories, name)
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    for name in ("quantity", "price", "session_index"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.data_hash == second.data_hash


def test_numbers(small):
    assert (small.n_users, small.n_items, small.n_events) == (3, 4, 4)
    assert small.item_counts().tolist() == [0, 1, 1, 0, 2]


def test_saved_and_opened_it_is_the_same_and_memory_mapped(small, tmp_path):
    small.save(tmp_path / "data")
    opened = Dataset.open(tmp_path / "data")
    assert_same(small, opened)
    assert opened.catalog is not None
    assert opened.catalog.table.equals(small.catalog.table)
    for values in (opened.histories.item_index, opened.histories.placement, opened.price):
        assert isinstance(values, np.memmap)
        assert not values.flags.writeable


def test_what_is_not_there_stays_away(cycle, tmp_path):
    cycle.save(tmp_path / "data")
    opened = Dataset.open(tmp_path / "data")
    assert_same(cycle, opened)
    assert opened.quantity is opened.price is opened.session_index is opened.catalog is None
    assert opened.placements is opened.histories.placement is None
    assert not list((tmp_path / "data").glob("placement*"))
    assert opened.users.is_integer


def test_an_empty_log_is_saved_too(tmp_path):
    empty = Dataset(Vocabulary([]), Vocabulary(pa.array([], pa.string())), Histories.of_items([]))
    empty.save(tmp_path / "data")
    opened = Dataset.open(tmp_path / "data")
    assert_same(empty, opened)
    assert opened.items.kind == "string"
    assert opened.interaction_matrix().shape == (0, 1)


@pytest.mark.parametrize("name", ["offsets.npy", "item_index.npy", "users.parquet", "facts.json"])
def test_a_damaged_folder_is_refused(small, tmp_path, name):
    small.save(tmp_path / "data")
    file = tmp_path / "data" / name
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ArtifactError, match=name):
        Dataset.open(tmp_path / "data")


def test_histories_and_users_must_be_as_many():
    with pytest.raises(DataError, match=r"expected: 2 histories(.|\n)*got: 1"):
        Dataset(Vocabulary([1, 2]), Vocabulary(["a"]), Histories.of_items([[1]]))


def test_select_keeps_indices(small):
    selected = small.select(np.array([False, True, True, False]))
    assert ids(selected) == {"ann": ["apple", "pear"], "bob": [], "cy": []}
    assert (selected.users, selected.items) == (small.users, small.items)
    assert selected.quantity.tolist() == [2, 3]
    assert selected.price.tolist() == [1, 1.5]
    assert selected.session_index.tolist() == [0, 1]
    assert selected.histories.timestamp.tolist() == [20, 30]
    assert selected.histories.placement.tolist() == [0, 1]
    assert selected.data_hash != small.data_hash


def test_compact_leaves_out_what_has_no_event(small):
    compact = small.compact()
    assert ids(compact) == {"ann": ["pear", "apple", "pear"], "cy": ["fig"]}
    assert compact.items.arrow.to_pylist() == ["apple", "fig", "pear"]
    assert compact.price is small.price
    assert compact.placements == Vocabulary(["cart page", "search"])
    assert compact.histories.placement.tolist() == [2, 0, 1, 2]
    assert compact.histories.item_index.dtype == np.int32
    assert_same(compact, compact.compact())
    nothing = small.select(np.zeros(4, bool)).compact()
    assert (nothing.n_users, nothing.n_items, nothing.n_events) == (0, 0, 0)
    assert nothing.placements is nothing.histories.placement is None


def test_in_other_vocabularies(small):
    mapped = small.in_items(Vocabulary(["fig", "pear"]), Vocabulary(["app", "search"]))
    assert ids(mapped) == {"ann": ["pear", "pear"], "bob": [], "cy": ["fig"]}
    assert mapped.placements == Vocabulary(["app", "search"])
    assert mapped.histories.placement.tolist() == [2, 0, 2]
    kept = small.in_items(Vocabulary(["fig", "pear"]))
    assert kept.placements == small.placements
    assert kept.histories.placement.tolist() == [3, 1, 3]


def test_the_ids_alone_keep_the_names_of_placements(small, tmp_path):
    small.without_events().save(tmp_path / "data")
    opened = Dataset.open(tmp_path / "data")
    assert opened.n_events == 0
    assert opened.placements == small.placements


def test_the_matrix_adds_up_events(small):
    matrix = small.interaction_matrix()
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix.toarray(), [[0, 1, 0, 0, 2], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0]])
    assert matrix.nnz == 3
    weighted = small.interaction_matrix({EventType.CART: 3.0, EventType.PURCHASE: 9.0})
    np.testing.assert_array_equal(weighted.toarray(), [[0, 0, 0, 0, 3], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    assert weighted.nnz == 1


def test_the_matrix_leaves_the_log_as_it_is(small, tmp_path):
    """Also where it is memory-mapped and must not be written to."""
    before = small.histories.item_index.copy()
    small.interaction_matrix()
    np.testing.assert_array_equal(small.histories.item_index, before)
    small.save(tmp_path / "data")
    opened = Dataset.open(tmp_path / "data")
    np.testing.assert_array_equal(opened.interaction_matrix().toarray(), small.interaction_matrix().toarray())


def test_histories_of_asked_shoppers(small):
    asked = small.history_of(np.array([3, 0, 1, 0, 2, 3], np.int32))
    assert [asked.items_of(place).tolist() for place in range(6)] == [[2], [], [4, 1, 4], [], [], [2]]
    assert asked.timestamp.tolist() == [15, 10, 20, 30, 15]
    assert len(small.history_of(np.zeros(0, np.int32))) == 0
    assert small.history_of(np.zeros(2, np.int32)).n_events == 0


def test_the_hash_sees_every_part(small):
    others = [
        replace(small, users=Vocabulary(["ann", "bob", "di"])),
        replace(small, items=Vocabulary(["apple", "fig", "kiwi", "plum"])),
        replace(small, histories=replace(small.histories, timestamp=small.histories.timestamp + 1)),
        replace(small, histories=replace(small.histories, offsets=np.array([0, 2, 3, 4], np.int64))),
        replace(small, quantity=None),
        replace(small, price=small.quantity),
        replace(small, placements=Vocabulary(["app", "mail", "search"])),
        replace(small, histories=replace(small.histories, placement=np.zeros(4, np.uint8))),
        replace(small, users=Vocabulary([1, 2, 3])),
        replace(small, users=Vocabulary(["1", "2", "3"])),
    ]
    hashes = {small.data_hash, *(other.data_hash for other in others)}
    assert len(hashes) == len(others) + 1
    assert replace(small, facts={}).data_hash == small.data_hash
