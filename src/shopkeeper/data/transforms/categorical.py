"""One category a row: one-hot columns, or the index of an embedding.

The categories are the most frequent ones of the training part, in alphabetical order. Whatever is rare or new is
*other*; null and the empty text are *missing*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.data.transforms.base import Outcome, Step, Transform
from shopkeeper.data.transforms.columns import as_categories, is_null
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Float32Array, Int32Array, Int64Array

if TYPE_CHECKING:
    import pyarrow as pa

_FEW_ROWS = 32
"""So few rows, as a service asks for, are looked up one by one, which does not touch the whole vocabulary."""


class CategoricalStep(Step):
    """Base of the settings of transforms of categories."""

    normalize: bool = False
    """Whether texts are normalized first, so that `NIKE ` and `Nike` are one category."""


class OneHotStep(CategoricalStep):
    """A column of 0 and 1 for each frequent category, and one for all others."""

    kind: Literal["one_hot"] = "one_hot"
    """Kind of transform."""
    min_count: Annotated[int, Field(ge=1)] = 1
    """A category needs so many training rows."""
    max_categories: Annotated[int, Field(ge=1)] = 100
    """At most so many categories, the most frequent ones."""


class IndexStep(CategoricalStep):
    """An integer for each frequent category: 0 missing, 1 other, 2 and more the categories."""

    kind: Literal["index"] = "index"
    """Kind of transform."""
    min_count: Annotated[int, Field(ge=1)] = 1
    """A category needs so many training rows."""
    max_categories: Annotated[int, Field(ge=1)] | None = None
    """At most so many categories, the most frequent ones; None takes all."""


class CategoricalTransform(Transform["pa.Array"]):
    """Base of the transforms of categories; values are int64 or large_string with nulls where missing."""

    fitted: ClassVar[tuple[str, ...]] = ("categories",)
    categories: Vocabulary
    """The categories, numbered from 1 in ascending order."""
    step: CategoricalStep

    def read(self, column: pa.Array) -> pa.Array:
        """The column as categories."""
        return as_categories(self.step.column, column, self.step.normalize)

    def missing(self, values: pa.Array) -> BoolArray:
        """Which values are null, bool [n]."""
        return is_null(values)

    def codes(self, values: pa.Array) -> Int32Array:
        """The place of each value among the categories from 1, 0 where new or missing, int32 [n].

        Raises:
            DataError: Integers came where the training part had texts, or the other way around.
        """
        return category_codes(self.step.column, values, self.categories)


class OneHot(CategoricalTransform):
    """float32 [n, categories + 1]; the last column is `other`."""

    step: OneHotStep

    def learn(self, values: pa.Array, outcome: Outcome | None) -> None:
        """Chooses the categories."""
        self.categories = frequent_categories(values, self.step.min_count, self.step.max_categories)

    def transform(self, values: pa.Array) -> Float32Array:
        """One 1 in each row, none where missing."""
        codes = self.codes(values)
        places = np.where(codes > 0, codes - 1, len(self.categories))
        known = np.flatnonzero(~is_null(values))
        block = np.zeros((len(values), len(self.categories) + 1), dtype=np.float32)
        block[known, places[known]] = 1
        return block

    def value_names(self) -> list[str]:
        """For example `brand one_hot = Nike`."""
        return category_names(self.step.label, self.categories)


class CategoryIndex(CategoricalTransform):
    """int32 [n, 1]."""

    step: IndexStep

    @property
    def sizes(self) -> tuple[int, ...]:
        """Categories, other, and missing."""
        return (len(self.categories) + 2,)

    def learn(self, values: pa.Array, outcome: Outcome | None) -> None:
        """Chooses the categories."""
        self.categories = frequent_categories(values, self.step.min_count, self.step.max_categories)

    def transform(self, values: pa.Array) -> NDArray[np.int32]:
        """0 missing, 1 other, 2 and more the categories."""
        return np.where(is_null(values), 0, self.codes(values) + 1).astype(np.int32)[:, None]

    def value_names(self) -> list[str]:
        """The label alone."""
        return [self.step.label]


def frequent_categories(values: pa.Array, min_count: int, max_categories: int | None) -> Vocabulary:
    """The most frequent values; of equally frequent ones the first in ascending order.

    Args:
        values: int64 or large_string [n] with nulls, which do not count.
        min_count: A category needs so many rows.
        max_categories: At most so many; None takes all.
    """
    counts = values.drop_null().value_counts()
    return most_frequent(counts.field("values"), counts.field("counts"), min_count, max_categories)


def most_frequent(
    distinct: pa.Array, counts: pa.Array | Int64Array, min_count: int, max_categories: int | None
) -> Vocabulary:
    """The values with the largest counts; of equal ones the first in ascending order.

    Args:
        distinct: int64 or large_string [n]; each value once.
        counts: int64 [n]; how often each occurs.
        min_count: What a value needs.
        max_categories: At most so many; None takes all.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(distinct) == 0:
        return Vocabulary([])
    table = pa.table({"value": distinct, "count": counts})
    table = table.filter(pc.greater_equal(table["count"], min_count))
    order = [("count", "descending"), ("value", "ascending")]
    return Vocabulary(table.sort_by(order)["value"].slice(0, max_categories).combine_chunks())


def category_codes(column_name: str, values: pa.Array, vocabulary: Vocabulary) -> Int32Array:
    """The indices of values in a vocabulary, 0 where new or missing, int32 [n].

    Raises:
        DataError: Integers came where the training part had texts, or the other way around.
    """
    import pyarrow as pa

    if pa.types.is_null(values.type) or len(vocabulary) == 0:
        return np.zeros(len(values), dtype=np.int32)
    if pa.types.is_integer(values.type) != vocabulary.is_integer:
        raise DataError(
            f"column {column_name!r} has another type than in the training part",
            expected=vocabulary.kind,
            got=str(values.type),
            remedy="convert it: the integer 7 and the text '7' are not the same category",
        )
    if len(values) <= _FEW_ROWS:
        return np.array([vocabulary.index(value) if value is not None else 0 for value in values.to_pylist()], np.int32)
    return vocabulary.indices(values)


def category_names(label: str, categories: Vocabulary) -> list[str]:
    """A name for each category and one for `other`."""
    return [*(f"{label} = {category}" for category in categories.arrow.to_pylist()), f"{label} is other"]
