"""EASE: a linear item-item model in closed form (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019).

With the shopper-item matrix X and P = (X'X + regularization I)^-1 the weights are B = -P / diag(P), with a zero
diagonal; they minimize |X - XB|^2 + regularization |B|^2. The matrix is dense: memory grows with the square of the
catalog, so that a catalog too large is refused before anything is allocated, or cut to its most frequent items.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.artifacts import check_indices, check_shape
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.errors import ResourceError
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.estimate import BYTES_AN_EVENT, LIBRARIES, Estimate, measured_speed, n_products
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.sparse import BLOCK_PRODUCTS, Csr, Repeats, gram_blocks, history_matrix
from shopkeeper.search_space import Choice, Floats, SearchSpace
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Int32Array

BLOCK_ROWS = 1024
"""Rows of the inverse that are turned into weights at a time."""
REMEDY = "set max_items of the model, which cuts the catalog to its most frequent items, or precision='float32'"
INVERSION_SHARE = 0.7
"""Of the speed of a product of matrices that the inversion reaches."""


class EASEConfig(RecommenderConfig):
    """Settings of `EASE`."""

    regularization: Annotated[float, Field(gt=0)] = 200.0
    """Added to the diagonal, in events: larger for larger and sparser data (100 to 1,000 are usual)."""
    history_decay: Annotated[float, Field(gt=0, le=1)] = 0.99
    """When answering, an event weighs this factor less for each later one; 1 forgets the order, as published."""
    max_items: Annotated[int, Field(ge=1)] | None = None
    """Only so many most frequent items take part; the fallback answers for the others. None takes all."""
    max_gigabytes: Annotated[float, Field(gt=0)] = 4.0
    """A fit that needs more memory than this is refused."""
    precision: Literal["float32", "float64"] = "float64"
    """Of the inversion; float32 halves memory and time. The weights are kept as float32 in any case."""
    max_history: Annotated[int, Field(ge=1)] | None = 1000
    """Only so many latest events of a shopper count when fitting: the work grows with the square; None takes all."""
    repeats: Repeats = "log"
    """Several events on one item count `once`, as `log2(1 + sum)`, or as their `sum`."""
    weights: EventWeights = EventWeights()
    """Weight of each event type."""

    search: ClassVar[SearchSpace] = {
        "regularization": Floats(5.0, 5000.0, log=True),
        "history_decay": Floats(0.3, 1.0),
        "repeats": Choice(("once", "log", "sum")),
    }


class EASE(Recommender):
    """Shallow linear autoencoder over items, in closed form."""

    Config = EASEConfig
    config: EASEConfig

    def estimate(
        self, train: Dataset, training: TrainingSettings | None = None, validation: Holdout | None = None
    ) -> Estimate:
        """A dense matrix of items, and beside it the weights or a block of it; its inverse takes n^3 operations."""
        config, speed = self.config, measured_speed()
        counted = int((train.item_counts()[1:] > 0).sum())
        n_items, size = min(counted, config.max_items or counted), np.dtype(config.precision).itemsize
        products = n_products(train.histories, config.max_history)
        block = min(1.0, BLOCK_PRODUCTS / max(1.0, products))
        filled = min(products, n_items**2) * block * (size + 4) + block * size * n_items**2
        parts = {
            "data": LIBRARIES + BYTES_AN_EVENT * train.n_events,
            "matrix of items": float(size * n_items**2),
            "weights": max(4.0 * n_items**2, filled),
        }
        rate = speed.float32 if size == 4 else speed.float64
        return Estimate(parts, n_items**3 / (INVERSION_SHARE * rate) + products * speed.entry, REMEDY)

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        config = self.config
        self.weights = config.weights.relative(train.histories)
        histories = train.histories if config.max_history is None else train.histories.last(config.max_history)
        matrix = history_matrix(histories, train.n_items, self.weights, config.repeats)
        self.item_index = self._chosen(np.bincount(matrix.indices, minlength=train.n_items + 1))
        self._refuse_too_large(len(self.item_index))
        gram = _gram(matrix[:, self.item_index], np.dtype(config.precision))
        gram.flat[:: len(gram) + 1] += config.regularization
        self.item_weights = _weights(_inverse(gram))

    def _chosen(self, counts: NDArray[np.int64]) -> Int32Array:
        """The items that take part, ascending: all that occur, or the most frequent ones, int32 [m]."""
        order = np.argsort(-counts[1:], kind="stable")[: self.config.max_items] + 1
        return np.sort(order[counts[order] > 0]).astype(np.int32)

    def _refuse_too_large(self, n_items: int) -> None:
        """Raises ResourceError where the inverse and the weights do not fit in the memory allowed."""
        bytes_an_entry = np.dtype(self.config.precision).itemsize + 4
        needed = n_items**2 * bytes_an_entry
        allowed = self.config.max_gigabytes * 1e9
        if needed > allowed:
            raise ResourceError(
                f"EASE over {n_items:,} items does not fit in the memory allowed",
                expected=f"at most {self.config.max_gigabytes:g} GB (max_gigabytes)",
                got=f"{needed / 1e9:.1f} GB in {self.config.precision}",
                remedy=f"set max_items={int((allowed / bytes_an_entry) ** 0.5)} or less, raise max_gigabytes, "
                "or take ItemKNN",
            )

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """Sum of the weights from the items of the history; minus infinity where none of them takes part."""
        config = self.config
        rows = history_matrix(histories, self.train.n_items, self.weights, config.repeats, config.history_decay)
        rows = rows[:, self.item_index]
        scores = np.full((len(histories), self.train.n_items + 1), -np.inf, dtype=np.float32)
        answered = np.flatnonzero(np.diff(rows.indptr) > 0)
        scores[np.ix_(answered, self.item_index)] = rows[answered] @ self.item_weights
        return scores

    def similarity(self, item_index: Int32Array) -> Float32Array:
        """The weights from each item to all; minus infinity for items that take no part."""
        scores = np.full((len(item_index), self.train.n_items + 1), -np.inf, dtype=np.float32)
        place = np.searchsorted(self.item_index, item_index).clip(max=len(self.item_index) - 1)
        known = np.flatnonzero(self.item_index[place] == item_index)
        scores[np.ix_(known, self.item_index)] = self.item_weights[place[known]]
        return scores

    def state(self) -> dict[str, NDArray[Any]]:
        """The weights between the items that take part, their indices, and the event weights."""
        return {"weights": self.weights, "item_index": self.item_index, "item_weights": self.item_weights}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back the weights."""
        self.weights = state["weights"]
        self.item_index = state["item_index"]
        self.item_weights = state["item_weights"]
        check_indices(self.item_index, 0, self.train.n_items + 1, "item_index")
        check_shape(self.item_weights, (len(self.item_index),) * 2, "item_weights")


def _gram(matrix: Csr, dtype: np.dtype[Any]) -> NDArray[Any]:
    """X'X, dense [m, m], filled block by block."""
    gram = np.zeros((matrix.shape[1], matrix.shape[1]), dtype=dtype)
    for start, block in gram_blocks(matrix.astype(dtype)):
        gram[start : start + block.shape[0]] = block.toarray()
    return gram


def _inverse(gram: NDArray[Any]) -> NDArray[Any]:
    """Inverse of a symmetric positive definite matrix by Cholesky, in place; only the lower triangle is valid."""
    from scipy.linalg.lapack import get_lapack_funcs

    routines: Any = get_lapack_funcs(("potrf", "potri"), (gram,))
    potrf, potri = routines
    factor, failed = potrf(gram.T, lower=False, overwrite_a=True, clean=False)
    inverse, failed_inverse = potri(factor, lower=False, overwrite_c=True)
    if failed or failed_inverse:
        raise ResourceError(
            "the matrix of EASE is singular in the precision chosen",
            remedy="raise regularization, or set precision='float64'",
        )
    transposed: NDArray[Any] = inverse.T
    return transposed


def _weights(inverse: NDArray[Any]) -> Float32Array:
    """-P / diag(P) with a zero diagonal, float32 [m, m], from the lower triangle of P."""
    diagonal = inverse.diagonal().copy()
    weights = np.empty(inverse.shape, dtype=np.float32)
    for start in range(0, len(inverse), BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, len(inverse))
        lower = np.tril(inverse[start:stop], k=start)
        weights[start:stop] = lower
        weights[:start, start:stop] = lower[:, :start].T
        corner = lower[:, start:stop]
        weights[start:stop, start:stop] = corner + np.tril(corner, k=-1).T
    weights /= -diagonal.astype(np.float32)
    np.fill_diagonal(weights, 0)
    return weights
