"""Categories: one-hot, index, multi-hot, presence, hashes."""

# ruff: noqa: RUF001

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.transforms.binary import Presence, PresenceStep
from shopkeeper.data.transforms.categorical import CategoryIndex, IndexStep, OneHot, OneHotStep
from shopkeeper.data.transforms.hashing import Hash, HashStep, stable_hash
from shopkeeper.data.transforms.multi_hot import MultiHot, MultiHotStep
from shopkeeper.errors import DataError

BRANDS = ["Nike", "Adidas", "Nike", None, "Puma", "Adidas", "", "Nike"]


def one_hot(values, **options) -> OneHot:
    transform = OneHot(OneHotStep(column="brand", **options))
    transform.fit(pa.array(values))
    return transform


def multi_hot(values, **options) -> MultiHot:
    transform = MultiHot(MultiHotStep(column="tags", **options))
    transform.fit(pa.array(values))
    return transform


def test_one_hot_knows_other_and_missing():
    transform = one_hot(BRANDS, max_categories=2)
    assert transform.names == (
        "brand one_hot = Adidas",
        "brand one_hot = Nike",
        "brand one_hot is other",
        "brand one_hot is missing",
    )
    block = transform.apply(pa.array(["Adidas", "Nike", "Puma", "new", None, ""]))
    np.testing.assert_array_equal(
        block, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    )
    assert block.dtype == np.float32


def test_equally_frequent_categories_are_chosen_in_alphabetical_order():
    assert one_hot(["b", "a", "c"], max_categories=2).categories.ids([1, 2]) == ["a", "b"]
    assert one_hot(["b", "a", "b", "c", "c"], min_count=2).categories.ids([1, 2]) == ["b", "c"]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_all_kinds_of_texts_are_read_alike(kind):
    transform = one_hot(["a", "b"])
    column = pa.array(["b", None]).dictionary_encode() if pa.types.is_dictionary(kind) else pa.array(["b", None], kind)
    np.testing.assert_array_equal(transform.apply(column), [[0, 1, 0], [0, 0, 0]])


def test_many_rows_and_few_rows_are_looked_up_alike():
    transform = one_hot([f"brand {place}" for place in range(50)])
    column = pa.array([f"brand {place}" for place in range(60)] + [None])
    rows = [transform.apply(column.slice(place, 1)) for place in range(len(column))]
    np.testing.assert_array_equal(np.concatenate(rows), transform.apply(column))


def test_normalized_categories_are_one():
    transform = one_hot(["NIKE ", "Nike", "ｎｉｋｅ"], normalize=True)
    assert transform.categories.ids([1]) == ["nike"]
    np.testing.assert_array_equal(transform.apply(pa.array(["nike", "niKE"])), [[1, 0], [1, 0]])


def test_an_integer_is_not_the_text_of_its_digits():
    transform = one_hot([7, 8])
    np.testing.assert_array_equal(transform.apply(pa.array([8, None], pa.uint8())), [[0, 1, 0], [0, 0, 0]])
    with pytest.raises(DataError, match=r"another type(.|\n)*expected: integer(.|\n)*got: large_string"):
        transform.apply(pa.array(["7"]))
    with pytest.raises(DataError, match="texts, integers or booleans"):
        transform.apply(pa.array([7.0]))


def test_a_column_of_nulls_has_only_other_and_missing():
    transform = one_hot(pa.nulls(2))
    np.testing.assert_array_equal(transform.apply(pa.array(["a", None])), [[1, 0], [0, 1]])
    assert transform.apply(pa.array([], pa.string())).shape == (0, 2)


def test_index_for_an_embedding():
    transform = CategoryIndex(IndexStep(column="brand", min_count=2))
    transform.fit(pa.array(BRANDS))
    assert transform.sizes == (4,)
    block = transform.apply(pa.array([None, "new", "Puma", "Adidas", "Nike"]))
    np.testing.assert_array_equal(block, [[0], [1], [1], [2], [3]])
    assert block.dtype == np.int32
    assert transform.names == ("brand index",)


def test_multi_hot_of_lists_counts_a_row_once():
    transform = multi_hot([["red", "red", "red"], ["blue", "red"], ["blue"], None, []], max_categories=1)
    assert transform.categories.ids([1]) == ["blue"]  # two rows each; red stands there more often, but not in more rows
    block = transform.apply(pa.array([["blue", "red"], ["blue", "blue"], [], None, [None, ""]]))
    np.testing.assert_array_equal(block, [[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]])
    assert transform.names[-2:] == ("tags multi_hot is other", "tags multi_hot is missing")


def test_multi_hot_takes_texts_apart():
    transform = multi_hot(["a, b", "b,c", None, "b"], separator=",")
    assert transform.categories.ids([1, 2, 3]) == ["a", "b", "c"]
    block = transform.apply(pa.array(["c ,a", "b", "", None, "d"]))
    np.testing.assert_array_equal(
        block, [[1, 0, 1, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0]]
    )


@pytest.mark.parametrize(
    "paths", [["Women > Shoes > Boots", "Men > Shoes"], [["Women", "Shoes", "Boots"], ["Men", "Shoes"]]]
)
def test_steps_of_a_path_keep_their_parents(paths):
    transform = multi_hot(paths, paths=True)
    assert transform.categories.ids([1, 2, 3, 4, 5]) == [
        "Men", "Men > Shoes", "Women", "Women > Shoes", "Women > Shoes > Boots",
    ]  # fmt: skip
    block = transform.apply(pa.array(["Women > Shoes > Flats", "Men", "Kids > Shoes"]))
    np.testing.assert_array_equal(block, [[0, 0, 1, 1, 0, 1], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]])


def test_a_path_ends_before_a_missing_step():
    assert multi_hot([["A", None, "C"], ["A", "", "B"]], paths=True).categories.ids([1]) == ["A"]
    assert len(multi_hot([["A", None, "C"]], paths=True).categories) == 1


@given(st.lists(st.none() | st.lists(st.sampled_from("abcdef"), max_size=4), min_size=1, max_size=30))
def test_multi_hot_is_a_loop_over_rows(rows):
    column = pa.array(rows, pa.list_(pa.string()))
    transform = multi_hot(column)
    names = [str(name) for name in transform.categories.arrow.to_pylist()]
    expected = [[float(row is not None and name in row) for name in names] for row in rows]
    shape = (len(rows), len(names))
    np.testing.assert_array_equal(transform.apply(column)[:, : len(names)], np.reshape(expected, shape))
    np.testing.assert_array_equal(
        transform.apply(column.slice(1))[:, : len(names)], np.reshape(expected[1:], (shape[0] - 1, shape[1]))
    )


def test_multi_hot_refuses_numbers():
    with pytest.raises(DataError, match="lists, or texts"):
        multi_hot([1, 2])
    assert multi_hot(pa.nulls(2)).apply(pa.array([["a"], None], pa.list_(pa.string()))).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["a", "", None]), [1, 0, 0]),
        (pa.array(["a", "", None]).dictionary_encode(), [1, 0, 0]),
        (pa.array([1.0, np.nan, np.inf, None]), [1, 0, 0, 0]),
        (pa.array([0, None]), [1, 0]),
        (pa.array([[1], [], None]), [1, 0, 0]),
        (pa.array([False, None]), [1, 0]),
        (pa.nulls(2), [0, 0]),
        (pa.array([{"a": 1}, None]), [1, 0]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_presence_of_any_type(column, expected):
    transform = Presence(PresenceStep(column="x"))
    block = transform.fit_apply(column)
    np.testing.assert_array_equal(block[:, 0], expected)
    assert transform.names == ("x presence",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0xCBF29CE484222325),
        ("a", 0xAF63DC4C8601EC8C),
        ("foobar", 0x85944171F73967E8),
    ],
)
def test_hash_gives_the_reference_vectors_of_fnv1a(text, expected):
    assert stable_hash(pa.array(["longer than all", text, "b"]))[1] == expected
    assert stable_hash(pa.array([text]))[0] == expected


def fnv1a(text: str) -> int:
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


@given(st.lists(st.text(max_size=20), max_size=20), st.integers(0, 3))
def test_hash_is_a_loop_over_bytes(texts, start):
    column = pa.array(texts, pa.large_string()).slice(start)
    assert stable_hash(column).tolist() == [fnv1a(text) for text in texts[start:]]


def test_hash_buckets_are_frozen():
    """A changed figure here would make every saved model read its embeddings from the wrong rows."""
    transform = Hash(HashStep(column="sku", n_buckets=1000, n_hashes=2))
    transform.fit(pa.array(["A-1"]))
    block = transform.apply(pa.array(["A-1", "红色", None, "", "7"]))
    np.testing.assert_array_equal(block, [[141, 996], [538, 770], [0, 0], [0, 0], [417, 432]])
    np.testing.assert_array_equal(transform.apply(pa.array([7])), block[-1:])  # an integer is the text of its digits
    np.testing.assert_array_equal(transform.apply(pa.nulls(2)), np.zeros((2, 2)))
    assert transform.sizes == (1001, 1001)
    assert transform.names == ("sku hash 1", "sku hash 2")


def test_hash_is_the_same_in_another_process():
    code = (
        "import pyarrow as pa; from shopkeeper.data.transforms.hashing import stable_hash;"
        "print(*stable_hash(pa.array(['A-1', 'sku 2'])))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert [int(word) for word in output.split()] == stable_hash(pa.array(["A-1", "sku 2"])).tolist()


@pytest.mark.parametrize(("n_hashes", "expected"), [(1, 1 - np.exp(-0.5)), (2, 5000 / 10_000**2)])
def test_collisions_are_as_rare_as_documented(n_hashes, expected):
    transform = Hash(HashStep(column="sku", n_buckets=10_000, n_hashes=n_hashes))
    transform.fit(pa.array([f"sku-{place}" for place in range(5000)]))
    assert transform.collision_rate == pytest.approx(expected, abs=0.02)


def test_hash_buckets_are_filled_evenly():
    transform = Hash(HashStep(column="sku", n_buckets=16))
    block = transform.fit_apply(pa.array(range(16_000)))
    counts = np.bincount(block[:, 0], minlength=17)
    assert counts[0] == 0
    assert ((counts[1:] - 1000) ** 2 / 1000).sum() < 37.7  # chi-square of 15 degrees, 0.1 %
