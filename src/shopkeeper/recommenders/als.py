"""ALS: matrix factorization for implicit feedback (Hu, Koren and Volinsky 2008), fitted by the library `implicit`.

Shoppers are always folded in: the factors of a shopper are the exact least-squares solution for her history as it is
now, whether training knew her or not. Answering needs NumPy only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.artifacts import check_shape
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.progress import Progress
from shopkeeper.recommenders import implicit_library
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.estimate import LIBRARIES, SET_UP, Estimate, measured_speed
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.products import inner_products
from shopkeeper.recommenders.sparse import Csr, Repeats, history_matrix
from shopkeeper.search_space import Choice, Floats, Integers, SearchSpace
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Float64Array, Int32Array, Int64Array

FOLD_IN_VALUES = 8_000_000
"""A group of shoppers folded in at once holds about so many numbers (64 MB)."""
BYTES_AN_ENTRY = 25.0
"""Of the matrix of shoppers and items, in its forms."""
REMEDY = "set factors of the model lower"
STEPS = 3
"""Of conjugate gradients, for each vector and round."""
SOLVING_SHARE = 0.06
"""Of the speed of a product of matrices that fitting reaches: its products are small."""


class ALSConfig(RecommenderConfig):
    """Settings of `ALS`."""

    factors: Annotated[int, Field(ge=1)] = 64
    """Length of the vectors."""
    regularization: Annotated[float, Field(ge=0)] = 5.0
    """L2 term of the vectors."""
    alpha: Annotated[float, Field(gt=0)] = 10.0
    """Confidence of an event against that of no event."""
    iterations: Annotated[int, Field(ge=1)] = 15
    """Rounds over shoppers and items."""
    history_decay: Annotated[float, Field(gt=0, le=1)] = 0.95
    """When answering, an event weighs this factor less for each later one; 1 forgets the order, as published."""
    repeats: Repeats = "log"
    """Several events on one item count `once`, as `log2(1 + sum)`, or as their `sum`."""
    weights: EventWeights = EventWeights()
    """Weight of each event type."""
    threads: Annotated[int, Field(ge=0)] = 0
    """Threads for fitting; 0 takes all cores. The result does not depend on it."""

    search: ClassVar[SearchSpace] = {
        "factors": Integers(16, 256, log=True),
        "regularization": Floats(0.05, 100.0, log=True),
        "alpha": Floats(1.0, 100.0, log=True),
        "iterations": Integers(5, 30),
        "history_decay": Floats(0.3, 1.0),
        "repeats": Choice(("once", "log", "sum")),
    }


class ALS(Recommender):
    """Weighted matrix factorization by alternating least squares."""

    Config = ALSConfig
    config: ALSConfig

    def estimate(
        self, train: Dataset, training: TrainingSettings | None = None, validation: Holdout | None = None
    ) -> Estimate:
        """The vectors and the matrix; each round solves for every shopper and item by conjugate gradients."""
        config, n_rows = self.config, train.n_users + train.n_items
        parts = {
            "data": 2 * LIBRARIES + BYTES_AN_ENTRY * train.n_events,
            "vectors": 6.0 * n_rows * config.factors,
        }
        solved = 2 * (STEPS + 1) * (n_rows * config.factors**2 + 4 * train.n_events * config.factors)
        seconds = SET_UP + config.iterations * solved / (SOLVING_SHARE * measured_speed().float32)
        return Estimate(parts, seconds, REMEDY)

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        config = self.config
        self.weights = config.weights.relative(train.histories)
        matrix = history_matrix(train.histories, train.n_items, self.weights, config.repeats)
        with implicit_library.quiet("ALS"):
            from implicit.cpu.als import AlternatingLeastSquares

            model = AlternatingLeastSquares(
                factors=config.factors, regularization=config.regularization, alpha=config.alpha,
                iterations=config.iterations, num_threads=config.threads, random_state=training.seed,
            )  # fmt: skip
            implicit_library.fit(model, matrix, config.iterations, progress, "ALS")
        self._set_factors(implicit_library.with_padding(model.item_factors))

    def _set_factors(self, item_factors: Float32Array) -> None:
        self.item_factors = item_factors
        exact = item_factors.astype(np.float64)
        self._item_gram = exact.T @ exact

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """Inner products of the folded-in shoppers with all items."""
        config = self.config
        rows = history_matrix(histories, self.train.n_items, self.weights, config.repeats, config.history_decay)
        scores = inner_products(self.fold_in(rows), self.item_factors)
        scores[np.diff(rows.indptr) == 0] = -np.inf
        return scores

    def fold_in(self, rows: Csr) -> Float64Array:
        """Factors of shoppers from their histories, item factors fixed.

        Solves (Y'Y + Y'(C - I)Y + regularization I) x = Y'C 1 for each shopper, with C - 1 = alpha x value - 1 on the
        items of the history and 0 elsewhere.

        Args:
            rows: float32 [b, n_items + 1].

        Returns:
            float64 [b, factors]; zeros for an empty history.
        """
        factors = self.item_factors.shape[1]
        base = self._item_gram + self.config.regularization * np.eye(factors)
        folded = np.zeros((rows.shape[0], factors))
        for group, places, inside in _groups_of_like_length(rows, factors):
            vectors = self.item_factors[rows.indices[places]].astype(np.float64)
            confidence = np.where(inside, self.config.alpha * rows.data[places], 0)
            weighted = vectors * np.where(inside, confidence - 1, 0)[:, :, None]
            left = base + vectors.transpose(0, 2, 1) @ weighted
            right = np.einsum("bl,blf->bf", confidence, vectors)
            folded[group] = np.linalg.solve(left, right[:, :, None])[:, :, 0]
        return folded

    def item_vectors(self) -> Float32Array:
        """The item factors."""
        return self.item_factors

    def state(self) -> dict[str, NDArray[Any]]:
        """The item factors and the event weights."""
        return {"weights": self.weights, "item_factors": self.item_factors}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back the factors and the weights."""
        self.weights = state["weights"]
        check_shape(state["item_factors"], (self.train.n_items + 1, None), "item_factors")
        self._set_factors(state["item_factors"])


def _groups_of_like_length(rows: Csr, factors: int) -> Iterator[tuple[Int64Array, Int64Array, NDArray[np.bool_]]]:
    """Groups of shoppers whose histories, padded to the longest of the group, fit in memory together.

    Yields:
        Shoppers int64 [g]; places of their entries in `rows`, int64 [g, longest], any valid place where padded; and
        bool [g, longest], false where padded.
    """
    lengths = np.diff(rows.indptr).astype(np.int64)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    start = 0
    while start < len(order):
        cost = (np.maximum(lengths[order[start:]], factors) * factors) * np.arange(1, len(order) - start + 1)
        stop = start + max(1, int(np.searchsorted(cost, FOLD_IN_VALUES, side="right")))
        group = order[start:stop]
        column = np.arange(lengths[group].max())
        inside = column < lengths[group][:, None]
        places = np.where(inside, rows.indptr[group][:, None] + column, 0)
        yield group, places, inside
        start = stop
