"""Numbers in buckets: of equal count, of equal width, or with edges of one's own.

A bucket holds its lower edge and not its upper one, the last holds both; values beyond the training range fall into the
first or last. As indices (0 missing, 1 to n) for an embedding, or one-hot.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from shopkeeper.data.transforms.base import Outcome, Step, Transform
from shopkeeper.data.transforms.columns import as_numbers
from shopkeeper.types import BoolArray, Float32Array, Float64Array

if TYPE_CHECKING:
    import pyarrow as pa

_NARROWEST = 1e-8
"""Edges nearer than this share of the range are one: many equal values make fewer buckets than asked."""


class BucketStep(Step):
    """The bucket that a number falls into."""

    kind: Literal["bucket"] = "bucket"
    """Kind of transform."""
    n_buckets: Annotated[int, Field(ge=2)] = 10
    """Number of buckets, fewer where training values coincide."""
    strategy: Literal["quantile", "uniform"] = "quantile"
    """Equal count or equal width of the buckets."""
    edges: tuple[float, ...] | None = None
    """Ascending inner edges, for example `[10, 50]` for three buckets; then nothing is learned."""
    output: Literal["index", "one_hot"] = "index"
    """Integers for an embedding, or a column of 0 and 1 for each bucket."""

    @model_validator(mode="after")
    def _ascending(self) -> BucketStep:
        if self.edges is not None and (not self.edges or not np.all(np.diff(self.edges) > 0)):
            raise ValueError("edges must be at least one number, in ascending order")
        return self


class Bucket(Transform[Float64Array]):
    """Index or one-hot vector of the bucket of each number."""

    step: BucketStep
    fitted = ("inner_edges",)
    inner_edges: Float64Array
    """float64 [buckets - 1]."""

    @property
    def n_buckets(self) -> int:
        """Number of buckets after fitting."""
        return len(self.inner_edges) + 1

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """Buckets and the index 0 for missing; None for one-hot output."""
        return (self.n_buckets + 1,) if self.step.output == "index" else None

    def read(self, column: pa.Array) -> Float64Array:
        """The column as float64 [n], NaN where missing."""
        return as_numbers(self.step.column, column)

    def missing(self, values: Float64Array) -> BoolArray:
        """Which values are NaN, bool [n]."""
        return np.isnan(values)

    def learn(self, values: Float64Array, outcome: Outcome | None) -> None:
        """Edges from the training part."""
        known = values[~np.isnan(values)]
        if self.step.edges is not None:
            self.inner_edges = np.asarray(self.step.edges, dtype=np.float64)
        elif known.size == 0 or known.min() == known.max():
            self.inner_edges = np.zeros(0)
        elif self.step.strategy == "uniform":
            self.inner_edges = np.linspace(known.min(), known.max(), self.step.n_buckets + 1)[1:-1]
        else:
            edges = np.quantile(known, np.linspace(0, 1, self.step.n_buckets + 1))
            self.inner_edges = edges[np.diff(edges, prepend=-np.inf) > _NARROWEST * (edges[-1] - edges[0])][1:-1]

    def transform(self, values: Float64Array) -> NDArray[np.int32] | Float32Array:
        """int32 [n, 1], or float32 [n, buckets]."""
        places = np.searchsorted(self.inner_edges, values, side="right")
        known = ~np.isnan(values)
        if self.step.output == "index":
            return np.where(known, places + 1, 0).astype(np.int32)[:, None]
        block = np.zeros((len(values), self.n_buckets), dtype=np.float32)
        block[np.flatnonzero(known), places[known]] = 1
        return block

    def value_names(self) -> list[str]:
        """The label, or one name for each bucket with its edges."""
        if self.step.output == "index":
            return [self.step.label]
        edges = ["-inf", *(f"{edge:g}" for edge in self.inner_edges), "inf"]
        return [f"{self.step.label} {place}: {low} to {high}" for place, (low, high) in enumerate(pairwise(edges), 1)]
