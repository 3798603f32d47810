"""Sparse matrices for the models that count: histories as rows, blockwise products, pruning, and plain-array state.

Every matrix here has a column (and, for items, a row) 0 for padding that stays empty: an item index is a column.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from shopkeeper.artifacts import check_indices, check_offsets, check_shape
from shopkeeper.data.histories import Histories
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.types import Float32Array, Int32Array, Int64Array

Csr: TypeAlias = "csr_array[Any, tuple[int, int]]"
Repeats: TypeAlias = Literal["once", "log", "sum"]
"""How several events of one shopper on one item add up."""

BLOCK_PRODUCTS = 20_000_000
"""A block of an item-item product holds at most about so many entries before pruning."""


def places_from_end(histories: Histories) -> Int64Array:
    """For each event how many later ones its shopper has: 0 for the most recent, int64 [events]."""
    ends = np.repeat(np.asarray(histories.offsets[1:]), histories.lengths)
    return ends - 1 - np.arange(int(histories.offsets[0]), int(histories.offsets[-1]))


def history_matrix(
    histories: Histories, n_items: int, weights: Float32Array, repeats: Repeats = "log", decay: float = 1.0
) -> Csr:
    """Histories as sparse rows.

    Args:
        histories: Events of n shoppers.
        n_items: Number of items, padding not counted.
        weights: float32 [types + 1]; weight of an event by the code of its type.
        repeats: Events on one item count together `once` (their sum, at most 1), as `log2(1 + sum)`, or as their `sum`.
        decay: An event counts this factor less for each later one of the same shopper.

    Returns:
        float32 [n, n_items + 1], columns ascending in each row; pairs whose events sum to zero or less are left out.
    """
    counted = histories.where(weights[histories.event_type] != 0)
    values = weights[counted.event_type]
    if decay < 1.0:
        values = (values * decay ** places_from_end(counted)).astype(np.float32)
    start = int(counted.offsets[0])
    matrix = csr_array(
        (values, np.array(counted.item_index, dtype=np.int32), np.asarray(counted.offsets) - start),
        shape=(len(counted), n_items + 1),
    )
    matrix.sum_duplicates()
    matrix.data = np.maximum(matrix.data, 0)
    matrix.eliminate_zeros()
    if repeats == "once":
        matrix.data = np.minimum(matrix.data, 1)
    elif repeats == "log":
        matrix.data = np.log2(1 + matrix.data)
    return matrix


def gram_blocks(matrix: Csr, block_products: int = BLOCK_PRODUCTS) -> Iterator[tuple[int, Csr]]:
    """The product of a matrix with itself, `matrix.T @ matrix`, a block of rows at a time.

    Args:
        matrix: float [n, m].
        block_products: Blocks are cut so that each takes about this many multiplications at most.

    Yields:
        The first row of the block, and the block, [rows, m].
    """
    transposed = matrix.T.tocsr()
    work = np.cumsum(transposed.astype(bool) @ np.diff(matrix.indptr).astype(np.int64))
    start = 0
    while start < matrix.shape[1]:
        done = work[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(work, done + block_products, side="right")))
        yield start, transposed[start:stop] @ matrix
        start = stop


def keep_largest(matrix: Csr, k: int | None) -> Csr:
    """The k largest values of each row, columns ascending; None keeps all. Ties go to the smaller column.

    Values must be above zero: their float32 bits then sort as integers, all rows in one pass.
    """
    matrix = matrix.astype(np.float32)
    matrix.sort_indices()
    counts = np.diff(matrix.indptr)
    if k is None or len(matrix.data) == 0 or counts.max() <= k:
        return matrix
    bits = matrix.data.view(np.uint32)
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.uint64), counts)
    ascending = np.sort((rows << np.uint64(32)) | bits)
    smallest_kept = matrix.indptr[:-1] + np.maximum(counts - k, 0)
    threshold = ascending[np.minimum(smallest_kept, len(bits) - 1)].astype(np.uint32)[rows]
    above, equal = bits > threshold, bits == threshold
    room = np.minimum(counts, k) - _sum_by_row(above, matrix.indptr)
    ties_before = np.cumsum(equal) - equal
    ties_before -= ties_before[np.minimum(matrix.indptr[:-1], len(bits) - 1)][rows]
    kept = above | (equal & (ties_before < room[rows]))
    offsets = np.concatenate([[0], np.cumsum(np.minimum(counts, k))])
    return csr_array((matrix.data[kept], matrix.indices[kept], offsets), shape=matrix.shape)


def _sum_by_row(values: NDArray[Any], indptr: NDArray[Any]) -> Int64Array:
    running = np.concatenate([[0], np.cumsum(values)])
    sums: Int64Array = running[indptr[1:]] - running[indptr[:-1]]
    return sums


def sparse_scores(rows: Csr, items: Csr) -> Float32Array:
    """Scores of all items for sparse histories.

    Args:
        rows: float32 [b, n_items + 1].
        items: float32 [n_items + 1, n_items + 1]; values above zero are evidence.

    Returns:
        float32 [b, n_items + 1]; minus infinity where there is no evidence.
    """
    scores: Float32Array = (rows @ items).toarray().astype(np.float32, copy=False)
    scores[scores == 0] = -np.inf
    return scores


def sparse_candidates(rows: Csr, items: Csr, n: int, eligible: Eligible) -> Candidates:
    """The n best of `sparse_scores` among the items that may come out, without a row of the whole catalog."""
    scores: Csr = rows @ items
    pairs = np.repeat(np.arange(scores.shape[0], dtype=np.int64), np.diff(scores.indptr))
    kept = eligible.keep(pairs, scores.indices, items.shape[1] - 1) & (scores.data != 0)
    values = scores.data[kept].astype(np.float32)
    return Candidates.of_pairs(scores.shape[0], pairs[kept], scores.indices[kept].astype(np.int32), values, n)


def sparse_item_scores(rows: Csr, items: Csr, item_index: Int32Array) -> Float32Array:
    """`sparse_scores` of a few items: float32 [b, m] for item_index int32 [b, m]."""
    read, asked = np.unique(rows.indices), np.unique(item_index)
    part = items[read]
    place = np.minimum(np.searchsorted(asked, part.indices), len(asked) - 1)
    wanted = asked[place] == part.indices
    of_read = np.repeat(np.arange(len(read)), np.diff(part.indptr))
    links = np.zeros((len(read), len(asked)))  # float64: what is asked beside must not change a sum
    links[of_read[wanted], place[wanted]] = part.data[wanted]
    weights = np.zeros((rows.shape[0], len(read)))
    weights[np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr)), np.searchsorted(read, rows.indices)] = rows.data
    products = (weights @ links).astype(np.float32)
    scores: Float32Array = np.take_along_axis(products, np.searchsorted(asked, item_index), axis=1)
    scores[scores == 0] = -np.inf
    return scores


def csr_state(matrix: Csr, prefix: str) -> dict[str, NDArray[Any]]:
    """A sparse matrix as three named arrays."""
    return {
        f"{prefix}.data": matrix.data,
        f"{prefix}.indices": matrix.indices,
        f"{prefix}.indptr": matrix.indptr,
    }


def csr_from_state(state: dict[str, NDArray[Any]], prefix: str, n_rows: int, n_columns: int) -> Csr:
    """The sparse matrix that `csr_state` took apart.

    Raises:
        ArtifactError: These are no arrays of such a matrix; the routines that read it would read past their ends.
    """
    data, indices, indptr = (state[f"{prefix}.{part}"] for part in ("data", "indices", "indptr"))
    check_shape(data, (len(indices),), f"{prefix}.data")
    check_shape(indices, (None,), f"{prefix}.indices")
    check_indices(indices, 0, n_columns, f"{prefix}.indices")
    check_offsets(indptr, n_rows, len(indices), f"{prefix}.indptr")
    return csr_array((data, indices, indptr), shape=(n_rows, n_columns))
