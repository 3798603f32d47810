"""Semantic ids on vectors whose groups are known."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.errors import DataError
from shopkeeper.features.semantic_ids import Codebooks, CodebookSettings, SemanticIds, quality
from shopkeeper.features.semantic_ids.kmeans import kmeans, nearest

GENERATOR = np.random.default_rng(0)
MIDDLES = GENERATOR.normal(size=(4, 16)).astype(np.float32)
GROUP = np.repeat(np.arange(4), 50)
VECTORS = (MIDDLES[GROUP] + 0.05 * GENERATOR.normal(size=(200, 16))).astype(np.float32)


def test_kmeans_finds_the_groups():
    place, distance = nearest(VECTORS, kmeans(VECTORS, 4))
    assert len(np.unique(np.stack([place, GROUP]), axis=1).T) == 4, "each center is one group"
    assert distance.max() < 0.2


def test_kmeans_is_as_tight_as_that_of_scikit_learn():
    cluster = pytest.importorskip("sklearn.cluster")
    loose = np.random.default_rng(1).normal(size=(2000, 8)).astype(np.float32)
    ours = nearest(loose, kmeans(loose, 32, seed=3))[1].sum()
    theirs = cluster.KMeans(32, n_init=1, random_state=0).fit(loose).inertia_
    assert ours < 1.02 * theirs


def test_no_center_stays_empty_while_vectors_differ():
    few = np.repeat(np.eye(3, dtype=np.float32), [98, 1, 1], axis=0)
    assert len(np.unique(nearest(few, kmeans(few, 3))[0])) == 3
    assert np.isfinite(kmeans(few, 10)).all(), "more centers than vectors"


def test_items_that_are_alike_begin_alike_and_every_digit_brings_the_vector_nearer():
    books = Codebooks.fit(VECTORS, CodebookSettings(levels=3, size=4))
    codes = books.code(VECTORS)
    assert codes.shape == (200, 3) and codes.dtype == np.int32
    assert quality(SemanticIds.of(codes, books.sizes), GROUP).purity[0] == 1.0
    unit = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    errors = []
    for levels in (1, 2, 3):
        part = Codebooks(books.centers[:levels], books.mean, books.unit_length)
        errors.append(float(((part.decode(codes[:, :levels]) - unit) ** 2).sum()))
    assert errors[0] > errors[1] > errors[2]


def test_frozen_codebooks_give_the_same_codes_again_and_code_what_is_new():
    books = Codebooks.fit(VECTORS[:150], CodebookSettings(levels=2, size=8))
    again = Codebooks.restore(books.state())
    assert np.array_equal(books.code(VECTORS), again.code(VECTORS))
    assert np.array_equal(books.code(VECTORS[150:]), books.code(VECTORS)[150:])


def test_no_two_ids_are_alike_and_new_items_change_no_id():
    codes = np.array([[1, 1], [0, 2], [1, 1], [1, 1]], dtype=np.int32)
    ids = SemanticIds.of(codes, (3, 3))
    assert ids.digits.tolist() == [[0, 0, 0], [1, 1, 0], [0, 2, 0], [1, 1, 1], [1, 1, 2]]
    assert ids.sizes == (3, 3, 3)
    more = ids.extended(np.array([[0, 2], [2, 0]], dtype=np.int32))
    assert np.array_equal(more.digits[:5], ids.digits)
    assert more.digits[5:].tolist() == [[0, 2, 1], [2, 0, 0]]
    assert len(np.unique(more.digits[1:], axis=0)) == more.n_items == 6


def test_quality_counts_by_hand():
    codes = np.array([[0, 0], [0, 0], [0, 1], [2, 3]], dtype=np.int32)
    found = quality(SemanticIds.of(codes, (4, 4)), np.array([7, 7, 8, -1]))
    assert found.collisions == 0.5
    assert found.largest_group == 2
    assert found.used == (0.5, 0.75)
    assert found.purity == (pytest.approx(2 / 3), 1.0)
    assert found.perplexity[0] == pytest.approx(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))))


@pytest.mark.parametrize(
    ("vectors", "says"),
    [(np.zeros((0, 4), np.float32), "at least one"), (np.full((3, 4), np.nan, np.float32), "3 of them not finite")],
)
def test_vectors_that_cannot_be_coded_are_refused(vectors, says):
    with pytest.raises(DataError, match=says):
        Codebooks.fit(vectors)


def test_another_width_and_digits_out_of_range_are_refused():
    books = Codebooks.fit(VECTORS, CodebookSettings(levels=1, size=4))
    with pytest.raises(DataError, match="width 16"):
        books.code(np.zeros((2, 5), np.float32))
    with pytest.raises(DataError, match="out of range"):
        SemanticIds.of(np.array([[4]], dtype=np.int32), (4,))
    with pytest.raises(DataError, match="number of digits"):
        SemanticIds.of(np.array([[1, 1]], dtype=np.int32), (4,))
