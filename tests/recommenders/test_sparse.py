import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.recommenders.sparse import (
    csr_from_state,
    csr_state,
    gram_blocks,
    history_matrix,
    keep_largest,
    places_from_end,
    sparse_scores,
)

ONE_EACH = np.ones(len(EventType) + 1, dtype=np.float32)


def of_events(*events: tuple[int, EventType]) -> Histories:
    items = [item for item, _ in events]
    codes = np.array([kind.code for _, kind in events], dtype=np.uint8)
    return Histories(
        np.array([0, len(items)]), np.array(items, dtype=np.int32), codes, np.zeros(len(items), dtype=np.int64)
    )


def test_places_from_end_also_of_a_slice():
    histories = Histories.of_items([[5, 6, 7], [], [8, 9]])
    assert places_from_end(histories).tolist() == [2, 1, 0, 1, 0]
    assert places_from_end(histories.slice(1, 3)).tolist() == [1, 0]


def test_history_matrix_adds_up_weights_by_type():
    weights = np.zeros(len(EventType) + 1, dtype=np.float32)
    weights[EventType.VIEW.code], weights[EventType.PURCHASE.code] = 0.2, 1.0
    histories = of_events((1, EventType.VIEW), (1, EventType.PURCHASE), (2, EventType.VIEW), (3, EventType.IMPRESSION))
    matrix = history_matrix(histories, 3, weights, repeats="sum")
    np.testing.assert_allclose(matrix.toarray(), [[0, 1.2, 0.2, 0]], rtol=1e-6)


@pytest.mark.parametrize(("repeats", "thrice"), [("once", 1.0), ("log", 2.0), ("sum", 3.0)])
def test_history_matrix_repeats(repeats, thrice):
    matrix = history_matrix(Histories.of_items([[1, 1, 1, 2]]), 2, ONE_EACH, repeats=repeats)
    np.testing.assert_allclose(matrix.toarray(), [[0, thrice, 1]])


def test_history_matrix_decays_over_counted_events_only():
    weights = ONE_EACH.copy()
    weights[EventType.RETURN.code] = 0
    histories = of_events((1, EventType.VIEW), (2, EventType.VIEW), (1, EventType.RETURN))
    matrix = history_matrix(histories, 2, weights, repeats="sum", decay=0.5)
    np.testing.assert_allclose(matrix.toarray(), [[0, 0.5, 1]])


def test_a_return_with_negative_weight_takes_the_purchase_back():
    weights = ONE_EACH.copy()
    weights[EventType.RETURN.code] = -1
    histories = of_events((1, EventType.PURCHASE), (2, EventType.PURCHASE), (1, EventType.RETURN))
    assert history_matrix(histories, 2, weights).nnz == 1


def test_history_matrix_of_a_slice_and_of_read_only_arrays():
    histories = Histories.of_items([[1, 2], [3], [2, 2, 1]])
    histories.item_index.flags.writeable = False
    whole = history_matrix(histories, 3, ONE_EACH).toarray()
    part = history_matrix(histories.slice(1, 3), 3, ONE_EACH).toarray()
    np.testing.assert_array_equal(whole[1:], part)


matrices = st.integers(0, 2**31).map(
    lambda seed: csr_array(np.random.default_rng(seed).integers(0, 4, (9, 6)).astype(np.float64))
)


@given(matrices, st.integers(1, 200))
def test_gram_blocks_make_the_whole_product(matrix, block_products):
    dense = matrix.toarray()
    product = np.zeros((6, 6))
    for start, block in gram_blocks(matrix, block_products):
        product[start : start + block.shape[0]] = block.toarray()
    np.testing.assert_array_equal(product, dense.T @ dense)


def test_gram_blocks_are_cut():
    matrix = csr_array(np.ones((10, 8)))
    assert len(list(gram_blocks(matrix, block_products=160))) == 4


@given(matrices, st.integers(1, 7))
def test_keep_largest_keeps_the_largest_of_each_row(matrix, k):
    kept = keep_largest(matrix.copy(), k).toarray()
    for before, after in zip(matrix.toarray(), kept, strict=True):
        assert sorted(after[after > 0]) == sorted(sorted(before[before > 0])[-k:])
        assert (after[after > 0] == before[after > 0]).all()


def test_keep_largest_breaks_ties_by_the_smaller_column():
    kept = keep_largest(csr_array(np.array([[0.0, 2, 1, 1, 1]])), 2).toarray()
    assert kept.tolist() == [[0, 2, 1, 0, 0]]


def test_sparse_scores_are_minus_infinity_without_evidence():
    rows = csr_array(np.array([[0, 1, 0], [0, 0, 1]], dtype=np.float32))
    items = csr_array(np.array([[0, 0, 0], [0, 0, 3], [0, 0, 0]], dtype=np.float32))
    scores = sparse_scores(rows, items)
    assert scores.tolist() == [[-np.inf, -np.inf, 3], [-np.inf] * 3]
    assert scores.dtype == np.float32


@given(matrices)
def test_a_matrix_survives_as_three_arrays(matrix):
    state = csr_state(matrix, "m")
    assert set(state) == {"m.data", "m.indices", "m.indptr"}
    np.testing.assert_array_equal(csr_from_state(state, "m", *matrix.shape).toarray(), matrix.toarray())
