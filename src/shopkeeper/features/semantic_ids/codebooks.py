"""Codebooks: a vector becomes a few digits, each naming the center nearest to what the digits before it left over.

Residual k-means: the first digit names the nearest center of all vectors, the second that of what remains when it is
taken away, and so on; items that are alike begin alike. Fitted on the items of training and then frozen, they code
items that come later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.errors import DataError
from shopkeeper.features.semantic_ids.kmeans import kmeans, nearest
from shopkeeper.search_space import Choice, Integers, SearchSpace
from shopkeeper.types import Float32Array, Int32Array

SMALLEST: Final = 1e-12


class CodebookSettings(Settings):
    """How many digits, and of how many values each."""

    levels: Annotated[int, Field(ge=1, le=8)] = 3
    """Digits, beside the one that tells items with equal digits apart."""
    size: Annotated[int, Field(ge=2, le=65_536)] = 256
    """Values of each digit."""
    iterations: Annotated[int, Field(ge=1)] = 50
    """At most so many of k-means, for each digit."""
    unit_length: bool = True
    """Vectors are brought to unit length first, so that their direction alone counts."""

    search: ClassVar[SearchSpace] = {"levels": Integers(2, 4), "size": Choice((64, 128, 256, 512))}


@dataclass(frozen=True)
class Codebooks:
    """Centers of every digit.

    Attributes:
        centers: float32 [levels, size, width].
        mean: float32 [width]; taken away from every vector first.
        unit_length: Whether vectors are brought to unit length before that.
    """

    centers: Float32Array
    mean: Float32Array
    unit_length: bool

    @classmethod
    def fit(cls, vectors: Float32Array, settings: CodebookSettings | None = None, seed: int = 0) -> Self:
        """Residual k-means.

        Args:
            vectors: float32 [n, width]; the items of training, without padding.
            settings: Digits and their values.
            seed: Of the starts of k-means.

        Raises:
            DataError: There are no vectors, or some are not finite.
        """
        settings = settings or CodebookSettings()
        refuse_unusable(vectors)
        rest = _unit(vectors) if settings.unit_length else vectors.astype(np.float32)
        mean = rest.mean(axis=0, dtype=np.float64).astype(np.float32)
        rest = rest - mean
        centers = np.empty((settings.levels, settings.size, vectors.shape[1]), dtype=np.float32)
        for level in range(settings.levels):
            centers[level] = kmeans(rest, settings.size, settings.iterations, seed + level)
            rest = rest - centers[level][nearest(rest, centers[level])[0]]
        return cls(centers, mean, settings.unit_length)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Values of each digit."""
        return (self.centers.shape[1],) * len(self.centers)

    def code(self, vectors: Float32Array) -> Int32Array:
        """Digits of vectors.

        Args:
            vectors: float32 [n, width].

        Returns:
            int32 [n, levels], each from 0.

        Raises:
            DataError: The vectors have another width.
        """
        refuse_other_width(vectors, len(self.mean))
        rest = (_unit(vectors) if self.unit_length else vectors.astype(np.float32)) - self.mean
        digits = np.empty((len(vectors), len(self.centers)), dtype=np.int32)
        for level, centers in enumerate(self.centers):
            place, _ = nearest(rest, centers)
            digits[:, level] = place
            rest = rest - centers[place]
        return digits

    def decode(self, digits: Int32Array) -> Float32Array:
        """Vectors that digits stand for, float32 [n, width], of about unit length where vectors are brought to it."""
        levels = np.arange(len(self.centers))
        found: Float32Array = self.centers[levels, digits].sum(axis=1) + self.mean
        return found

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays that `restore` takes back."""
        return {"centers": self.centers, "mean": self.mean, "unit_length": np.array(self.unit_length)}

    @classmethod
    def restore(cls, state: dict[str, NDArray[np.generic]]) -> Self:
        """The codebooks of a `state`."""
        return cls(
            np.asarray(state["centers"], np.float32), np.asarray(state["mean"], np.float32), bool(state["unit_length"])
        )


def refuse_unusable(vectors: Float32Array) -> None:
    """Raises `DataError` where there are no vectors (float32 [n, width]) to fit on, or some are not finite."""
    if len(vectors) == 0 or not np.isfinite(vectors).all():
        raise DataError(
            "codebooks cannot be fitted on these vectors", expected="at least one, and finite numbers",
            got=f"{len(vectors)} vectors, {int((~np.isfinite(vectors)).any(axis=1).sum())} of them not finite",
        )  # fmt: skip


def refuse_other_width(vectors: Float32Array, width: int) -> None:
    """Raises `DataError` where vectors are not those that codebooks were fitted for, float32 [n, width]."""
    if vectors.ndim != 2 or vectors.shape[1] != width:
        raise DataError(
            "these vectors do not fit the codebooks", expected=f"width {width}", got=f"shape {vectors.shape}",
            remedy="encode with the model that the codebooks were fitted on",
        )  # fmt: skip


def _unit(vectors: Float32Array) -> Float32Array:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Float32Array = (vectors / np.maximum(lengths, SMALLEST)).astype(np.float32)
    return found
