"""BPR: matrix factorization by pairwise ranking (Rendle et al. 2009), fitted by the library `implicit`.

There is no closed form for the factors of a new history: they are the mean of the item factors of the history,
stretched to the usual length of a trained shopper. A shopper whom training knew also has trained factors; a setting
says which of the two answer.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.progress import Progress
from shopkeeper.recommenders import implicit_library
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.estimate import LIBRARIES, Estimate, measured_speed
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.products import inner_products
from shopkeeper.recommenders.sparse import history_matrix
from shopkeeper.search_space import Choice, Floats, Integers, SearchSpace
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Int32Array

BYTES_AN_ENTRY = 25.0
"""Of the matrix of shoppers and items, in its forms."""
REMEDY = "set factors of the model lower"
ENTRIES_A_NUMBER = 0.18
"""A number of a vector, in a step, takes this share of the time of an entry of a sparse matrix."""


class BPRConfig(RecommenderConfig):
    """Settings of `BPR`."""

    factors: Annotated[int, Field(ge=1)] = 64
    """Length of the vectors, the bias of an item not counted."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.01
    """Step of stochastic gradient descent."""
    regularization: Annotated[float, Field(ge=0)] = 0.01
    """L2 term of the vectors."""
    iterations: Annotated[int, Field(ge=1)] = 100
    """Passes over the events."""
    fold_in: bool = True
    """Answer known shoppers from the history too: as it is now, and on real logs with better hits than the trained
    factors gave. False takes the trained factors for them."""
    history_decay: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Where a history is folded in, an event weighs this factor less for each later one."""
    weights: EventWeights = EventWeights()
    """Event types of weight zero are left out; among the others all events are alike in training."""
    threads: Annotated[int, Field(ge=0)] = 1
    """Threads for fitting; 0 takes all cores. More than one gives another result each time."""

    search: ClassVar[SearchSpace] = {
        "factors": Integers(16, 256, log=True),
        "learning_rate": Floats(0.003, 0.3, log=True),
        "regularization": Floats(0.0003, 0.1, log=True),
        "iterations": Integers(30, 300, log=True),
        "fold_in": Choice((True, False)),
        "history_decay": Floats(0.3, 1.0),
    }


class BPR(Recommender):
    """Matrix factorization with Bayesian personalized ranking."""

    Config = BPRConfig
    config: BPRConfig

    def estimate(
        self, train: Dataset, training: TrainingSettings | None = None, validation: Holdout | None = None
    ) -> Estimate:
        """The vectors and the matrix; each pass takes a step for every event."""
        config = self.config
        parts = {
            "data": 2 * LIBRARIES + BYTES_AN_ENTRY * train.n_events,
            "vectors": 6.0 * (train.n_users + train.n_items) * (config.factors + 1),
        }
        steps = config.iterations * train.n_events * (config.factors + 1)
        return Estimate(parts, ENTRIES_A_NUMBER * steps * measured_speed().entry, REMEDY)

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        config = self.config
        self.weights = config.weights.relative(train.histories)
        matrix = history_matrix(train.histories, train.n_items, self.weights, "once")
        with implicit_library.quiet("BPR"):
            from implicit.cpu.bpr import BayesianPersonalizedRanking

            model = BayesianPersonalizedRanking(
                factors=config.factors, learning_rate=config.learning_rate, regularization=config.regularization,
                iterations=config.iterations, num_threads=config.threads, random_state=training.seed,
            )  # fmt: skip
            implicit_library.fit(model, matrix, config.iterations, progress, "BPR")
        self.user_factors = implicit_library.with_padding(model.user_factors)
        self.item_factors = implicit_library.with_padding(model.item_factors)
        trained = np.concatenate([[False], np.diff(matrix.indptr) > 0])
        self.user_factors[~trained] = 0
        self.usual_length = np.linalg.norm(self.user_factors[trained, :-1], axis=1).mean(keepdims=True)

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """Inner products of the shoppers with all items, plus the bias of the item."""
        users = self.user_factors[np.asarray(user_index)]
        unknown = np.flatnonzero((users[:, -1] == 0) | self.config.fold_in)
        users[unknown] = self.mean_of_history(histories.take(unknown))
        scores = inner_products(users.astype(np.float64), self.item_factors)
        scores[users[:, -1] == 0] = -np.inf
        return scores

    def mean_of_history(self, histories: Histories) -> Float32Array:
        """Factors of shoppers from the items of their histories.

        Returns:
            float32 [b, factors + 1]; the last column belongs to the bias; zeros where the history is empty.
        """
        rows = history_matrix(histories, self.train.n_items, self.weights, "sum", self.config.history_decay)
        users: Float32Array = rows @ self.item_factors
        users[:, -1] = np.diff(rows.indptr) > 0
        lengths = np.linalg.norm(users[:, :-1], axis=1, keepdims=True)
        users[:, :-1] *= self.usual_length / np.maximum(lengths, np.finfo(np.float32).tiny)
        return users

    def item_vectors(self) -> Float32Array:
        """The item factors without the bias."""
        return self.item_factors[:, :-1]

    def state(self) -> dict[str, NDArray[Any]]:
        """The factors, the usual length of a shopper's, and the event weights."""
        return {
            "weights": self.weights,
            "user_factors": self.user_factors,
            "item_factors": self.item_factors,
            "usual_length": self.usual_length,
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back the factors."""
        self.weights = state["weights"]
        self.user_factors = state["user_factors"]
        self.item_factors = state["item_factors"]
        self.usual_length = state["usual_length"]
