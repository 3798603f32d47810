"""Item kNN: items bought by the same shoppers are alike; the history votes for its neighbors.

Cosine between the columns of the shopper-item matrix, weighted by TF-IDF or not and shrunk where the support is small,
or the product after BM25 weighting; kept for the nearest neighbors only. It is formed block by block of items.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import vstack

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import RecommenderConfig
from shopkeeper.recommenders.estimate import BYTES_AN_EVENT, LIBRARIES, Estimate, measured_speed, n_products
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.item_links import ItemLinks
from shopkeeper.recommenders.sparse import (
    BLOCK_PRODUCTS,
    Csr,
    Repeats,
    csr_from_state,
    csr_state,
    gram_blocks,
    history_matrix,
    keep_largest,
)
from shopkeeper.search_space import Choice, Floats, Integers, SearchSpace
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float64Array

REMEDY = "set neighbors and max_history of the model lower"
BYTES_A_PRODUCT = 36.0
"""Of an entry of the product while its block is formed and cut to the neighbors."""
BYTES_AN_ENTRY = 40.0
"""Of an entry of the weighted matrix, in its forms."""
BYTES_A_LINK = 8
ENTRIES_A_PRODUCT = 7.0
"""A product takes so many times as long as an entry of a sparse matrix."""


class ItemKNNConfig(RecommenderConfig):
    """Settings of `ItemKNN`."""

    neighbors: Annotated[int, Field(ge=1)] = 200
    """So many nearest neighbors of each item are kept."""
    weighting: Literal["none", "tfidf", "bm25"] = "tfidf"
    """How entries are weighted, with items as documents and shoppers as terms. `bm25` takes the plain product: its
    own normalization of length stands in for the cosine, and `shrinkage` and `asymmetry` do nothing."""
    bm25_k1: Annotated[float, Field(gt=0)] = 1.2
    """Saturation of repeated events in `bm25`."""
    bm25_b: Annotated[float, Field(ge=0, le=1)] = 0.75
    """How much `bm25` discounts items of many events."""
    shrinkage: Annotated[float, Field(ge=0)] = 0.0
    """Added to the product of the two lengths: pairs of small support count less."""
    asymmetry: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Power of the length of the history's item, the rest goes to the neighbor: 0.5 is the cosine (Aiolli 2013)."""
    history_decay: Annotated[float, Field(gt=0, le=1)] = 0.95
    """When answering, an event weighs this factor less for each later one; 1 forgets the order, as published."""
    max_history: Annotated[int, Field(ge=1)] | None = 1000
    """Only so many latest events of a shopper count when fitting: the work grows with the square; None takes all."""
    repeats: Repeats = "log"
    """Several events on one item count `once`, as `log2(1 + sum)`, or as their `sum`."""
    weights: EventWeights = EventWeights()
    """Weight of each event type."""

    search: ClassVar[SearchSpace] = {
        "neighbors": Integers(20, 1000, log=True),
        "weighting": Choice(("none", "tfidf", "bm25")),
        "bm25_k1": Floats(0.2, 5.0, log=True),
        "bm25_b": Floats(0.0, 1.0),
        "shrinkage": Floats(0.0, 100.0),
        "asymmetry": Floats(0.1, 0.9),
        "history_decay": Floats(0.3, 1.0),
        "repeats": Choice(("once", "log", "sum")),
    }


class ItemKNN(ItemLinks):
    """Nearest neighbors between items."""

    Config = ItemKNNConfig
    config: ItemKNNConfig

    def estimate(
        self, train: Dataset, training: TrainingSettings | None = None, validation: Holdout | None = None
    ) -> Estimate:
        """The products of a block of items, the matrix in its forms, and the neighbors kept twice."""
        products = n_products(train.histories, self.config.max_history)
        parts = {
            "data": LIBRARIES + (BYTES_AN_EVENT + BYTES_AN_ENTRY) * train.n_events,
            "products of a block": BYTES_A_PRODUCT * min(products, BLOCK_PRODUCTS),
            "neighbors": 2 * BYTES_A_LINK * min(products, train.n_items * min(self.config.neighbors, train.n_items)),
        }
        return Estimate(parts, ENTRIES_A_PRODUCT * products * measured_speed().entry, REMEDY)

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        config = self.config
        self.weights = config.weights.relative(train.histories)
        histories = train.histories if config.max_history is None else train.histories.last(config.max_history)
        matrix = self._weighted(history_matrix(histories, train.n_items, self.weights, config.repeats))
        lengths = np.sqrt(np.bincount(matrix.indices, matrix.data**2, minlength=train.n_items + 1))
        if config.weighting == "bm25":
            lengths = np.ones_like(lengths)
        if progress:
            progress.start("item neighbors", train.n_items + 1)
        blocks = []
        for start, block in gram_blocks(matrix):
            blocks.append(self._neighbors(block, start, lengths))
            if progress:
                progress.advance(block.shape[0])
        self.links = vstack(blocks, format="csr")
        if progress:
            progress.finish()

    def _weighted(self, matrix: Csr) -> Csr:
        """Entries weighted as the settings say, float64 [n, n_items + 1]."""
        matrix = matrix.astype(np.float64)
        if self.config.weighting == "none":
            return matrix
        rarity = np.log(matrix.shape[1] - 1) - np.log1p(np.diff(matrix.indptr))
        rarity = np.repeat(np.maximum(rarity, 0), np.diff(matrix.indptr))
        if self.config.weighting == "tfidf":
            matrix.data = np.sqrt(matrix.data) * rarity
        else:
            k1, b = self.config.bm25_k1, self.config.bm25_b
            sums = np.bincount(matrix.indices, matrix.data, minlength=matrix.shape[1])
            length = 1 - b + b * sums[matrix.indices] / sums[1:].mean()
            matrix.data = matrix.data * (k1 + 1) / (k1 * length + matrix.data) * rarity
        matrix.eliminate_zeros()
        return matrix

    def _neighbors(self, block: Csr, start: int, lengths: Float64Array) -> Csr:
        """The nearest neighbors of a block of items from its products with all items, float32 [rows, n_items + 1]."""
        rows = np.repeat(np.arange(start, start + block.shape[0]), np.diff(block.indptr))
        power = 2 * self.config.asymmetry
        scale = lengths[rows] ** power * lengths[block.indices] ** (2 - power)
        block.data = np.where(rows == block.indices, 0, block.data / (scale + self.config.shrinkage))
        block.eliminate_zeros()
        return keep_largest(block, self.config.neighbors)

    def rows(self, histories: Histories) -> Csr:
        """The decayed weights of the items of the history."""
        config = self.config
        return history_matrix(histories, self.train.n_items, self.weights, config.repeats, config.history_decay)

    def state(self) -> dict[str, NDArray[Any]]:
        """The neighbors and the event weights."""
        return {"weights": self.weights, **csr_state(self.links, "neighbors")}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back the neighbors and the weights."""
        self.weights = state["weights"]
        self.links = csr_from_state(state, "neighbors", self.train.n_items + 1, self.train.n_items + 1)
