"""Ids come back exactly as they went in; unknown is 0."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError, UnknownIdError

INTEGERS = st.lists(st.integers(-(2**63), 2**63 - 1), unique=True, max_size=30)
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True, max_size=30)


@given(INTEGERS | TEXTS)
def test_ids_come_back_exactly(ids):
    vocabulary = Vocabulary(ids)
    indices = vocabulary.indices(ids)
    assert indices.dtype == np.int32
    assert sorted(indices) == list(range(1, len(ids) + 1))
    back = vocabulary.ids(indices)
    assert back == ids
    assert [type(value) for value in back] == [type(value) for value in ids]
    assert [vocabulary.index(value) for value in ids] == indices.tolist()
    assert all(value in vocabulary for value in ids)


@given(INTEGERS | TEXTS, st.randoms())
def test_the_order_of_arrival_does_not_matter(ids, random):
    shuffled = list(ids)
    random.shuffle(shuffled)
    assert Vocabulary(shuffled) == Vocabulary(ids)
    assert hash(Vocabulary(shuffled)) == hash(Vocabulary(ids))


@given(INTEGERS, INTEGERS)
def test_unknown_is_zero(known, asked):
    vocabulary = Vocabulary(known)
    for value, index in zip(asked, vocabulary.indices(asked), strict=True):
        assert (index > 0) == (value in known)
        assert index == vocabulary.index(value)


def test_integers_sort_as_numbers_and_texts_as_texts():
    assert Vocabulary([10, 9, -1]).ids([1, 2, 3]) == [-1, 9, 10]
    assert Vocabulary(["10", "9", "é", "红"]).ids([1, 2, 3, 4]) == ["10", "9", "é", "红"]


def test_texts_are_not_normalized():
    ids = ["a", "A", "a ", "e\u0301", "\u00e9", "007", "7", ""]
    vocabulary = Vocabulary(ids)
    assert len(vocabulary) == len(ids)
    assert vocabulary.ids(vocabulary.indices(ids)) == ids


def test_an_integer_is_not_the_text_of_its_digits():
    numbers, texts = Vocabulary([7]), Vocabulary(["7"])
    assert numbers.index("7") == texts.index(7) == 0
    assert numbers.indices(["7"]).tolist() == texts.indices([7]).tolist() == [0]
    assert "7" not in numbers
    assert 7.0 not in texts
    assert numbers != texts
    assert (numbers.kind, texts.kind) == ("integer", "string")


@pytest.mark.parametrize(
    "ids",
    [
        np.array([3, 1], np.int8),
        np.array([3, 1], np.uint64),
        pa.array([3, 1]),
        pa.chunked_array([[3], [1]]),
        pa.array([3, 1]).dictionary_encode(),
        pl.Series([3, 1]).to_arrow(),
        range(1, 4, 2),
        {3: None, 1: None},
        (value for value in (3, 1)),
    ],
    ids=lambda ids: type(ids).__name__,
)
def test_all_kinds_of_lists_are_taken(ids):
    assert Vocabulary(ids) == Vocabulary([1, 3])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_all_kinds_of_texts_are_taken(kind):
    vocabulary = Vocabulary(["b", "a"])
    assert Vocabulary(pa.array(["a", "b"], kind)) == vocabulary
    assert vocabulary.indices(pa.array(["b", None, "c"], kind)).tolist() == [2, 0, 0]
    assert vocabulary.indices(np.array(["a", "b"])).tolist() == [1, 2]


def test_missing_ids_have_no_index():
    assert Vocabulary([1, 2]).indices([2, None]).tolist() == [2, 0]
    assert Vocabulary(["a"]).indices([None, None]).tolist() == [0, 0]


def test_an_empty_vocabulary_knows_nothing():
    vocabulary = Vocabulary([])
    assert len(vocabulary) == 0
    assert vocabulary.indices([1, 2]).tolist() == [0, 0]
    assert vocabulary.indices(["a"]).tolist() == [0]
    assert vocabulary.ids([]) == []
    assert Vocabulary(pa.array([], pa.string())).kind == "string"
    assert Vocabulary(["a"]).indices([]).shape == (0,)


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([1, 2, 1], "distinct"),
        (["a", "a"], "distinct"),
        ([1, None], "missing"),
        ([None], "missing"),
        ([1, "a"], "mixed kinds"),
        ([1.5], "integers or strings"),
        ([True, False], "integers or strings"),
        ([b"a"], "integers or strings"),
        ([2**63], "cannot be stored"),
        (["\ud800"], "cannot be stored"),
        (np.array([2**63], np.uint64), "too large"),
    ],
)
def test_ids_that_cannot_be_kept_are_refused(ids, words):
    with pytest.raises(DataError, match=words):
        Vocabulary(ids)


@pytest.mark.parametrize(("index", "named"), [(0, "0"), (3, "3"), (-1, "-1")])
def test_an_index_without_an_id_is_named(index, named):
    with pytest.raises(UnknownIdError, match=rf"expected: 1 to 2\n.*got: {named}"):
        Vocabulary(["a", "b"]).ids([1, index])


def test_ids_are_parsed_as_their_kind():
    assert Vocabulary([7]).parse("7") == 7
    assert Vocabulary([7]).parse("seven") == "seven"
    assert Vocabulary(["7"]).parse("7") == "7"


def test_ids_that_must_be_known():
    vocabulary = Vocabulary(["a", "b"])
    assert vocabulary.known_indices(["b", "a"]).tolist() == [2, 1]
    with pytest.raises(UnknownIdError, match="'c'"):
        vocabulary.known_indices(["b", "c"])


def test_new_ids_come_behind_and_the_others_keep_their_indices():
    longer = Vocabulary(["b", "d"]).extended(["c", "a"])
    assert longer.ids([1, 2, 3, 4]) == ["b", "d", "c", "a"]
    assert longer.indices(["a", "b", "c", "d", "e"]).tolist() == [4, 1, 3, 2, 0]
    assert longer.index("c") == 3 and longer != Vocabulary(["a", "b", "c", "d"])
    assert Vocabulary([]).extended(["x"]).ids([1]) == ["x"]
    assert Vocabulary([5]).extended([]).ids([1]) == [5]


@pytest.mark.parametrize("ids", [["b"], ["x", "x"], [7], ["x", None]])
def test_ids_that_are_not_new_are_refused(ids):
    with pytest.raises(DataError):
        Vocabulary(["a", "b"]).extended(ids)
