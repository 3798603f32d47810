"""What sequence models share: settings of the next-item loss, scoring a batch of histories, similarity of items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from shopkeeper.data.batches import pad_right
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.data.moments import Moments
from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import RecommenderConfig
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.recommenders.neural import NeuralRecommender
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Int32Array, Int64Array

if TYPE_CHECKING:
    from torch import Tensor

    from shopkeeper.nn.embedding import ItemTable
    from shopkeeper.training.next_item import NextItemLoss, NextItemObjective

FULL_SOFTMAX_ITEMS = 50_000
"""Up to so many items `loss="auto"` takes the full softmax."""
SPARSE_ITEMS = 200_000
"""From so many items on `sparse_gradients="auto"` updates only the embeddings that a step touches."""
ENCODED_PLACES = 1 << 16
"""Histories are read in batches of at most so many padded places."""


class SequenceConfig(RecommenderConfig):
    """Settings that all sequence models share."""

    embedding_size: Annotated[int, Field(ge=1)] = 64
    """Width of item embeddings and hidden states."""
    max_length: Annotated[int, Field(ge=1)] = 50
    """Events of a history that are read, the last ones."""
    overlap: Annotated[int, Field(ge=0)] = 0
    """Training cuts a longer history into windows of `max_length`; so many events before a window's first target are
    read again as its context. Each target counts once; the cuts move from epoch to epoch."""
    ordered: bool = False
    """Predict the next row of the log even within events at the same time. By default the target of an event is one at
    random of the shopper's next time (the next basket): rows at the same time have no order but that of the export."""
    horizon: Annotated[int, Field(ge=1)] = 1
    """The target is drawn from so many next times (baskets): what the shopper will take soon, not only next."""
    history_types: tuple[EventType, ...] = INTEREST_TYPES
    """Event types that are read and predicted; others (impressions, returns) are passed over."""
    item_bias: Literal["auto"] | bool = "auto"
    """Give each item a bias that starts at its popularity; "auto" does where shoppers buy again."""
    repeats: Literal["auto"] | bool = "auto"
    """Learn a bonus for items of the shopper's own history, by how often and how long ago; "auto" does where shoppers
    buy again."""
    loss: Literal["auto", "softmax", "sampled_softmax"] = "auto"
    """Cross-entropy over the whole catalog, or over a sample; "auto" samples from 50,000 items on."""
    n_negatives: Annotated[int, Field(ge=1)] = 1024
    """Items drawn for each batch, for `sampled_softmax`."""
    popularity_power: Annotated[float, Field(ge=0, le=1)] = 0.0
    """They are drawn in proportion to their count to this power: 0 is uniform, 1 is popularity."""
    chunk_megabytes: Annotated[float, Field(gt=0)] = 8.0
    """Memory of one chunk of logits, for `softmax`."""
    sparse_gradients: Literal["auto"] | bool = "auto"
    """Update only the item embeddings that a step touches (they get no weight decay); "auto" does from 200,000 items
    on with the sampled loss."""

    @model_validator(mode="after")
    def _overlap_leaves_room(self) -> Self:
        if self.overlap >= self.max_length:
            raise ValueError("overlap must be below max_length")
        return self


@dataclass(frozen=True)
class States:
    """What the network made of a few histories.

    Attributes:
        rows: int64 [r]; their places in the batch.
        items: int64 [r, length]; what was read, padded with 0 on the right.
        hidden: Float [r, width]; states after the last event, to compare with the rows of the item table.
        bonus: Float [r, length] or None; what `RepeatBonus.last` adds for each item read.
    """

    rows: Int64Array
    items: Tensor
    hidden: Tensor
    bonus: Tensor | None


class SequenceRecommender(NeuralRecommender):
    """Base of networks that read a history and compare their state after its last event with item embeddings."""

    Config = SequenceConfig
    config: SequenceConfig
    logits = True

    def __init__(self, config: RecommenderConfig | None = None) -> None:
        super().__init__(config)
        self.repeats: bool = False
        """Whether the network has a bonus for items of the history."""
        self.item_bias: bool = False
        """Whether items have biases."""

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes weights back."""
        self.repeats = any(name.startswith("repeats.") for name in state)
        self.item_bias = "items.bias.weight" in state
        super().restore(state)

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        again = not self.hide_seen
        self.repeats = again if self.config.repeats == "auto" else self.config.repeats
        self.item_bias = again if self.config.item_bias == "auto" else self.config.item_bias
        super()._fit(train, validation, training, progress)

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """Inner product of the state after the last event with all item embeddings; minus infinity without events."""
        scores = np.full((len(histories), self.train.n_items + 1), -np.inf, dtype=np.float32)
        for state in self._states(histories):
            scores[state.rows] = self._logits(state).float().cpu().numpy()
        return scores

    def score_items(self, user_index: Int32Array, histories: Histories, item_index: Int32Array) -> Float32Array:
        """The same for a few items; the catalog is not touched."""
        import torch

        network: Any = self.network
        scores = np.full(item_index.shape, -np.inf, dtype=np.float32)
        for state in self._states(histories):
            asked = torch.from_numpy(item_index[state.rows].astype(np.int64)).to(state.hidden.device)
            found = torch.einsum("bw,bmw->bm", state.hidden, network.items.rows(asked))
            if state.bonus is not None:
                found = found + (state.bonus[:, None, :] * (asked[:, :, None] == state.items[:, None, :])).sum(dim=2)
            scores[state.rows] = found.float().cpu().numpy()
        return scores

    def candidates(self, user_index: Int32Array, histories: Histories, n: int, eligible: Eligible) -> Candidates:
        """The n best, chosen where the logits are: on the device, and for a few rows at a time."""
        import torch

        chosen = np.zeros((len(histories), n), dtype=np.int32)
        scores = np.full((len(histories), n), -np.inf, dtype=np.float32)
        for state in self._states(histories):
            logits = self._logits(state)
            logits[:, 0] = -torch.inf
            if eligible.allowed is not None:
                logits[:, torch.from_numpy(~eligible.allowed).to(logits.device)] = -torch.inf
            place = np.full(len(histories), -1)
            place[state.rows] = np.arange(len(state.rows))
            hidden = place[eligible.hidden_rows] >= 0
            rows = torch.from_numpy(place[eligible.hidden_rows[hidden]])
            logits[rows, torch.from_numpy(eligible.hidden_items[hidden].astype(np.int64))] = -torch.inf
            values, items = logits.float().topk(min(n, logits.shape[1]), dim=1)
            chosen[state.rows, : items.shape[1]] = items.cpu().numpy()
            scores[state.rows, : items.shape[1]] = values.cpu().numpy()
        chosen[np.isneginf(scores)] = 0
        return Candidates(chosen, scores)

    def _states(self, histories: Histories) -> Iterator[States]:
        """The network's states after the last event of each history that has one, batches of like length at a time."""
        import torch

        items, lengths = pad_right(self._read(histories), self.config.max_length)
        order = np.flatnonzero(lengths)
        order = order[np.argsort(lengths[order], kind="stable")]
        size = max(1, min(ENCODED_PLACES // items.shape[1], self.batch_size()))
        network: Any = self.network
        with torch.inference_mode():
            for start in range(0, len(order), size):
                rows = order[start : start + size]
                read = torch.from_numpy(items[rows, : int(lengths[rows[-1]])]).to(network.items.device)
                ends = torch.from_numpy(lengths[rows]).to(network.items.device)
                bonus = None if network.repeats is None else network.repeats.last(read, ends)
                yield States(rows, read, network.last(read, ends), bonus)

    def _logits(self, state: States) -> Tensor:
        """Logits of all items, float [rows, n_items + 1]."""
        network: Any = self.network
        logits: Tensor = network.items.logits(state.hidden)
        return logits if state.bonus is None else logits.scatter_add_(1, state.items, state.bonus)

    def item_vectors(self) -> Float32Array:
        """The item embeddings, without biases."""
        network: Any = self.network
        vectors: Float32Array = network.items.embedding.weight.detach().float().cpu().numpy()
        return vectors

    def _objective(self, training: TrainingSettings) -> NextItemObjective:
        from shopkeeper.training.next_item import NextItemObjective

        histories = self._read(self.train.histories)
        return NextItemObjective(
            histories,
            self.train.n_items,
            self.config.max_length,
            self._loss(),
            training,
            self.config.overlap,
            Moments(histories, self.config.ordered, self.config.horizon),
        )

    def _item_table(self) -> ItemTable:
        """Fresh embeddings of the catalog."""
        from shopkeeper.nn.embedding import ItemTable

        config = self.config
        table = ItemTable(self.train.n_items, config.embedding_size, self.item_bias, self._sparse())
        table.set_popularity(self.train.item_counts())
        return table

    def _loss(self) -> NextItemLoss:
        from shopkeeper.training.next_item import NextItemLoss

        name = self.config.loss
        if name == "auto":
            name = "softmax" if self.train.n_items <= FULL_SOFTMAX_ITEMS else "sampled_softmax"
        return NextItemLoss(
            name=name,
            n_negatives=self.config.n_negatives,
            popularity_power=self.config.popularity_power,
            chunk_bytes=int(self.config.chunk_megabytes * (1 << 20)),
        )

    def _sparse(self) -> bool:
        """Whether the gradient of the item embedding is sparse."""
        if self.config.sparse_gradients == "auto":
            return self.train.n_items >= SPARSE_ITEMS and self._loss().name == "sampled_softmax"
        return self.config.sparse_gradients

    def _read(self, histories: Histories) -> Histories:
        """Only the events that the model reads."""
        codes = np.array([event.code for event in self.config.history_types], dtype=np.uint8)
        kept = np.isin(histories.event_type, codes)
        return histories if kept.all() else histories.where(kept)
