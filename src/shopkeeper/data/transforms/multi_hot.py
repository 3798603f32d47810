"""Several categories a row: tags, or the steps of a category path, as columns of 0 and 1.

Rows are lists, or texts that a separator takes apart. A category counts once a row however often it stands there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.data.schema import CATEGORY_SEPARATOR
from shopkeeper.data.transforms.base import Outcome, Transform
from shopkeeper.data.transforms.categorical import (
    CategoricalStep,
    category_codes,
    category_names,
    most_frequent,
)
from shopkeeper.data.transforms.columns import as_categories, is_null, wrong_type
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.types import BoolArray, Float32Array, Int64Array

if TYPE_CHECKING:
    import pyarrow as pa


class MultiHotStep(CategoricalStep):
    """A column of 0 and 1 for each frequent category, and one that says whether there are others."""

    kind: Literal["multi_hot"] = "multi_hot"
    """Kind of transform."""
    separator: str = CATEGORY_SEPARATOR
    """Takes a text apart (the parts are trimmed), and joins the steps of a path; lists are taken as they are."""
    paths: bool = False
    """Whether the parts are steps of a path, so that `Women > Shoes` and `Men > Shoes` differ: the categories are
    then `Women`, `Women > Shoes` and so on."""
    min_count: Annotated[int, Field(ge=1)] = 1
    """A category needs so many training rows."""
    max_categories: Annotated[int, Field(ge=1)] = 200
    """At most so many categories, the most frequent ones."""


class Parts(NamedTuple):
    """The categories of all rows, one after the other.

    Attributes:
        words: Distinct categories of these rows, int64 or large_string without nulls.
        codes: int64 [parts]; the place of each part in `words`.
        rows: int64 [parts]; the row of each part.
        missing: bool [n]; rows without a list or text. An empty list is not missing: it says that there is none.
    """

    words: pa.Array
    codes: Int64Array
    rows: Int64Array
    missing: BoolArray


class MultiHot(Transform[Parts]):
    """float32 [n, categories + 1]; the last column is `other`."""

    step: MultiHotStep
    fitted = ("categories",)
    categories: Vocabulary
    """The categories, numbered from 1 in ascending order."""

    def read(self, column: pa.Array) -> Parts:
        """The categories of all rows; texts are taken apart once for each different one."""
        import pyarrow as pa
        import pyarrow.compute as pc

        kind = column.type
        if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
            return self._parts_of_lists(column)
        texts = as_categories(self.step.column, column).dictionary_encode()
        if not (pa.types.is_large_string(texts.dictionary.type) or pa.types.is_null(kind)):
            raise wrong_type(self.step.column, column, "lists, or texts to take apart")
        distinct = pc.split_pattern(texts.dictionary.cast(pa.large_string()), self.step.separator)
        missing = is_null(texts.indices)
        return _repeated(self._parts_of_lists(distinct), texts.indices.fill_null(0).to_numpy(), missing)

    def missing(self, values: Parts) -> BoolArray:
        """Rows without a list or text, bool [n]."""
        return values.missing

    def learn(self, values: Parts, outcome: Outcome | None) -> None:
        """Chooses the categories by the number of rows that have them."""
        n_words = max(len(values.words), 1)
        pairs = np.sort(values.rows * n_words + values.codes)
        once_a_row = pairs[np.diff(pairs, prepend=-1) > 0]
        counts = np.bincount(once_a_row % n_words, minlength=len(values.words)).astype(np.int64)
        self.categories = most_frequent(values.words, counts, self.step.min_count, self.step.max_categories)

    def transform(self, values: Parts) -> Float32Array:
        """A 1 for each category of a row."""
        codes = category_codes(self.step.column, values.words, self.categories)
        places = np.where(codes > 0, codes - 1, len(self.categories))
        block = np.zeros((len(values.missing), len(self.categories) + 1), dtype=np.float32)
        block[values.rows, places[values.codes]] = 1
        return block

    def value_names(self) -> list[str]:
        """For example `category multi_hot = Women > Shoes`."""
        return category_names(self.step.label, self.categories)

    def _parts_of_lists(self, column: pa.Array) -> Parts:
        import pyarrow as pa
        import pyarrow.compute as pc

        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        rows = np.repeat(np.arange(len(column), dtype=np.int64), lengths)
        values = pc.list_flatten(column)
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            values = pc.utf8_trim_whitespace(values)
        values = as_categories(self.step.column, values, self.step.normalize)
        if self.step.paths:
            values = path_prefixes(values, rows, self.step.separator)
        known = ~is_null(values)
        encoded = values.filter(known).dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return Parts(encoded.dictionary, codes, rows[known], is_null(column))


def path_prefixes(steps: pa.Array, rows: Int64Array, separator: str) -> pa.Array:
    """Each step joined with all steps before it in its row; a step after a missing one is missing.

    Args:
        steps: Categories [parts], row after row: `Women`, `Shoes`.
        rows: int64 [parts]; the row of each, ascending.
        separator: Between the steps.

    Returns:
        large_string [parts]: `Women`, `Women > Shoes`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    paths = steps.cast(pa.large_string())
    joint = pa.scalar(separator, pa.large_string())
    first = np.flatnonzero(np.diff(rows, prepend=-1))
    depth = np.arange(len(rows)) - np.repeat(first, np.diff(first, append=len(rows)))
    for level in range(1, int(depth.max(initial=0)) + 1):
        deep = np.flatnonzero(depth == level)  # the paths one level higher are complete already
        joined = pc.binary_join_element_wise(paths.take(deep - 1), paths.take(deep), joint)
        paths = pc.replace_with_mask(paths, pa.array(depth == level), joined)
    return paths


def _repeated(distinct: Parts, places: NDArray[np.integer[Any]], missing: BoolArray) -> Parts:
    """The parts of rows, from the parts of the distinct values that stand at `places` in each row."""
    lengths_of = np.bincount(distinct.rows, minlength=len(distinct.missing)).astype(np.int64)
    if len(lengths_of) == 0:
        return Parts(distinct.words, distinct.codes, distinct.rows, missing)
    starts = np.cumsum(lengths_of) - lengths_of
    lengths = np.where(missing, 0, lengths_of[places])
    rows = np.repeat(np.arange(len(places), dtype=np.int64), lengths)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Parts(distinct.words, distinct.codes[starts[places[rows]] + within], rows, missing)
