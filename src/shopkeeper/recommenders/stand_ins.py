"""Any fitted model with items that came after training: each is scored as the items that it is most like."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from shopkeeper.artifacts import ArtifactWriter
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.errors import DataError, ShopkeeperError
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.recommenders.newcomers import Newcomers
from shopkeeper.recommenders.sparse import Csr
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Int32Array, Int64Array

LEAST: Final = -2.0
"""Fallback score of what is like nothing: that of the least popular item (see `fallback`)."""
AnyRecommender = TypeVar("AnyRecommender", bound=Recommender)


class StandIns(Recommender):
    """A fitted model and newcomers.

    Args:
        model: Who answers; it is not changed.
        newcomers: Items behind those that it was trained on.

    Raises:
        DataError: They do not continue the items of the model.
    """

    listed = False

    def __init__(self, model: Recommender, newcomers: Newcomers) -> None:
        super().__init__()
        self.model, self.newcomers = model, newcomers
        continued = with_items_of(model, newcomers)
        self._train, self._memory, self._fallback = continued._train, continued._memory, continued._fallback
        self.hiding, self.usual_event = model.hiding, model.usual_event
        self.learns, self.logits = model.learns, model.logits  # type: ignore[misc]
        self.shows_seen, self.answers_empty = model.shows_seen, model.answers_empty  # type: ignore[misc]

    @property
    def name(self) -> str:
        """That of the model."""
        return self.model.name

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """Scores of the model, and behind them those of the newcomers, float32 [b, n_items + 1]."""
        known = self.model.score(user_index, self._known(histories))
        return np.concatenate([known, self._means(known, self.newcomers.shares)], axis=1)

    def score_items(self, user_index: Int32Array, histories: Histories, item_index: Int32Array) -> Float32Array:
        """The same for a few items, int32 [b, m]; the model is asked for these and for what newcomers are like."""
        new = item_index > self.newcomers.n_known
        asked = np.where(new, 0, item_index).astype(np.int32)
        histories = self._known(histories)
        scores = np.array(self.model.score_items(user_index, histories, asked))
        if new.any():
            means = self._newcomer_scores(user_index, histories)
            rows, places = np.nonzero(new)
            scores[rows, places] = means[rows, item_index[new] - self.newcomers.n_known - 1]
        return scores

    def candidates(self, user_index: Int32Array, histories: Histories, n: int, eligible: Eligible) -> Candidates:
        """The best of both: the model's own candidates, and the newcomers'."""
        n_known, histories = self.newcomers.n_known, self._known(histories)
        known = eligible.hidden_items <= n_known
        allowed = eligible.allowed
        within = Eligible(
            None if allowed is None else allowed[: n_known + 1],
            eligible.hidden_rows[known], eligible.hidden_items[known],
        )  # fmt: skip
        found = self.model.candidates(user_index, histories, min(n, n_known), within)
        means = self._newcomer_scores(user_index, histories)
        if allowed is not None:
            means[:, ~allowed[n_known + 1 :]] = -np.inf
        means[eligible.hidden_rows[~known], eligible.hidden_items[~known] - n_known - 1] = -np.inf
        own = np.broadcast_to(np.arange(n_known + 1, n_known + 1 + means.shape[1], dtype=np.int32), means.shape)
        scores = np.concatenate([found.scores, means], axis=1)
        items = np.where(np.isneginf(scores), 0, np.concatenate([found.item_index, own], axis=1))
        order = np.argsort(-scores, axis=1, kind="stable")[:, :n]
        return Candidates(
            np.take_along_axis(items, order, axis=1).astype(np.int32), np.take_along_axis(scores, order, axis=1)
        )

    def read_events(self, histories: Histories) -> Histories:
        """Those that the model reads, newcomers among them."""
        return self.model.read_events(histories)

    def times_followed(self, item_index: Int32Array, then: int) -> Int64Array:
        """Nobody took a newcomer in training, and what follows its neighbors was not counted for it."""
        known = item_index <= self.newcomers.n_known
        times = np.zeros(len(item_index), dtype=np.int64)
        if then <= self.newcomers.n_known:
            times[known] = self.model.times_followed(item_index[known], then)
        return times

    def similarity(self, item_index: Int32Array) -> Float32Array:
        """Similarity of items to all items; a newcomer's is the mean of those that it is like."""
        if self.model.item_vectors() is not None:
            return super().similarity(item_index)
        new = item_index > self.newcomers.n_known
        asked = np.zeros(len(item_index), dtype=np.int32)
        asked[new] = self.newcomers.neighbors[item_index[new] - self.newcomers.n_known - 1, 0]
        asked[~new] = item_index[~new]
        known = self.model.similarity(asked)
        known[asked == 0] = -np.inf
        return np.concatenate([known, self._means(known, self.newcomers.shares)], axis=1)

    def item_vectors(self) -> Float32Array | None:
        """Vectors of all items; a newcomer's is the mean of those that it is like."""
        vectors = self.model.item_vectors()
        return None if vectors is None else self.newcomers.appended(vectors)

    def state(self) -> dict[str, NDArray[Any]]:
        """That of the model; newcomers are told again each time."""
        return self.model.state()

    def write(self, writer: ArtifactWriter, data: bool = True) -> None:
        """Refused: a model is saved without its newcomers.

        Raises:
            ShopkeeperError: Always.
        """
        raise ShopkeeperError(f"{self.name} with new items cannot be saved", remedy="save it without them")

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Refused, as `write` is.

        Raises:
            ShopkeeperError: Always.
        """
        raise ShopkeeperError(f"{self.name} with new items cannot be loaded", remedy="load it without them")

    def _fit(
        self, train: Any, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        raise ShopkeeperError(f"{self.name} with new items cannot be fitted", remedy="fit it without them")

    def _known(self, histories: Histories) -> Histories:
        return self.newcomers.as_known(histories, keep=not self.model.shows_seen)

    def _newcomer_scores(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """float32 [b, newcomers], without scoring the whole catalog."""
        items, shares = self.newcomers.near
        asked = np.broadcast_to(items, (len(histories), len(items)))
        return self._means(self.model.score_items(user_index, histories, asked), shares)

    def _means(self, scores: Float32Array, shares: Csr) -> Float32Array:
        """Weighted means of known items' scores.

        Args:
            scores: float32 [b, u]; minus infinity where the model has nothing to say.
            shares: Sparse float32 [newcomers, u]; how much each of these items stands for each newcomer.

        Returns:
            float32 [b, newcomers]. Where scores are amounts, nothing to say counts as nothing; where they are logits,
            it does not count.
        """
        said = np.isfinite(scores)
        sums = (shares @ np.where(said, scores, 0).T).T
        told = (shares @ said.T.astype(np.float32)).T
        means = np.full(sums.shape, -np.inf, dtype=np.float32)
        divided = sums / np.maximum(told, np.finfo(np.float32).tiny) if self.logits else sums
        np.copyto(means, divided, where=told > 0)
        return means


def with_items_of(model: AnyRecommender, newcomers: Newcomers) -> AnyRecommender:
    """A shallow copy of a fitted model whose ids and fallback go on with newcomers; what it learned does not yet.

    Raises:
        DataError: The newcomers do not come behind the items that the model was trained on.
    """
    items, n_known = newcomers.dataset.items, newcomers.n_known
    if n_known != model.train.n_items or not items.arrow.slice(0, n_known).equals(model.train.items.arrow):
        raise DataError(
            "new items do not continue those of training", expected=f"{model.train.n_items} items, and new ones",
            got=f"{n_known}", remedy="make them with Dataset.with_items of the training part",
        )  # fmt: skip
    longer, memory = copy(model), model._memory
    longer._train = newcomers.dataset
    if memory is not None:
        longer._memory = replace(memory, items=items, catalog=newcomers.dataset.catalog)
    longer._fallback = newcomers.appended(model._fallback_scores())
    longer._fallback[n_known + 1 :][newcomers.shares.sum(axis=1) == 0] = LEAST
    return longer
