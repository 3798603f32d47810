"""The items of a training part as a generative model knows them: vectors, the codebooks that code them, their ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from shopkeeper.artifacts import check_indices
from shopkeeper.features.semantic_ids import Codebooks, CodebookSettings, SemanticIds
from shopkeeper.recommenders.newcomers import Newcomers
from shopkeeper.types import Float32Array, Int64Array

if TYPE_CHECKING:
    from shopkeeper.features.semantic_ids.rqvae import RqVae

SMALLEST: Final = 1e-12
BOOKS: Final = "books."
"""Before the names of what codebooks keep."""


@dataclass(frozen=True)
class ItemCodes:
    """Vectors of items and their semantic ids.

    Attributes:
        vectors: float32 [n_items + 1, width], of standard deviation 1; row 0 is padding.
        scale: What vectors were divided by.
        books: What codes them.
        ids: Of the items.
    """

    vectors: Float32Array
    scale: float
    books: Codebooks | RqVae
    ids: SemanticIds

    @classmethod
    def fit(cls, vectors: Float32Array, quantizer: Literal["kmeans", "rqvae"], settings: CodebookSettings) -> Self:
        """Fits codebooks and codes all items.

        Args:
            vectors: float32 [n_items + 1, width].
            quantizer: Residual k-means or an autoencoder.
            settings: Digits and their values.
        """
        scale = max(float(vectors.std()), SMALLEST)
        scaled = (vectors / np.float32(scale)).astype(np.float32)
        books: Codebooks | RqVae
        if quantizer == "kmeans":
            books = Codebooks.fit(scaled[1:], settings)
        else:
            from shopkeeper.features.semantic_ids.rqvae import RqVae
            from shopkeeper.features.semantic_ids.rqvae_settings import RqVaeSettings

            books = RqVae.fit(scaled[1:], RqVaeSettings(**settings.model_dump()))
        return cls(scaled, scale, books, SemanticIds.of(books.code(scaled[1:]), books.sizes))

    def with_newcomers(self, newcomers: Newcomers) -> Self:
        """With items that came after training, coded by the same codebooks; ids of the others stay.

        Where newcomers have no vectors, theirs are the means of those of the items that they are like.

        Raises:
            DataError: Their vectors are of another width.
        """
        given = newcomers.vectors
        added = newcomers.mean(self.vectors) if given is None else (given / np.float32(self.scale)).astype(np.float32)
        ids = self.ids.extended(self.books.code(added))
        return type(self)(np.concatenate([self.vectors, added]), self.scale, self.books, ids)

    @property
    def places(self) -> Int64Array:
        """Of the digits of items in one list of the values of all digits, int64 [n_items + 1, levels]."""
        starts = np.concatenate([[0], np.cumsum(self.ids.sizes[:-1])])
        return np.asarray(self.ids.digits + starts, dtype=np.int64)

    def digit_means(self, width: int) -> Float32Array:
        """For each value of each digit the mean of what its items' vectors have left of the digits before.

        Args:
            width: So many first columns, which tell most.

        Returns:
            float32 [sum of sizes, width]; zeros for values that no item has.
        """
        rest = self.vectors[1:, :width].copy()
        found = []
        for column, size in zip(self.ids.digits[1:].T, self.ids.sizes, strict=True):
            sums = np.zeros((size, rest.shape[1]), dtype=np.float32)
            np.add.at(sums, column, rest)
            means = sums / np.maximum(np.bincount(column, minlength=size), 1)[:, None].astype(np.float32)
            rest = rest - means[column]
            found.append(means)
        return np.concatenate(found)

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays that `restore` takes back."""
        books = {BOOKS + name: cast(NDArray[Any], values) for name, values in self.books.state().items()}
        return {
            "vectors": self.vectors, "scale": np.array([self.scale]), "digits": self.ids.digits,
            "sizes": np.array(self.ids.sizes), **books,
        }  # fmt: skip

    @classmethod
    def restore(cls, state: dict[str, NDArray[Any]], quantizer: Literal["kmeans", "rqvae"]) -> Self:
        """The codes of a `state`."""
        kept = {name.removeprefix(BOOKS): values for name, values in state.items() if name.startswith(BOOKS)}
        books: Codebooks | RqVae
        if quantizer == "kmeans":
            books = Codebooks.restore(kept)
        else:
            from shopkeeper.features.semantic_ids.rqvae import RqVae

            books = RqVae.restore(kept)
        for level, size in enumerate(state["sizes"].tolist()):
            check_indices(state["digits"][:, level], 0, size, f"digit {level} of the ids")
        ids = SemanticIds(state["digits"].astype(np.int32), tuple(int(size) for size in state["sizes"]))
        return cls(np.asarray(state["vectors"], np.float32), float(state["scale"][0]), books, ids)
