"""What sequence models share: their network but for its encoder, what it learns, and scoring a batch of histories."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data.batches import pack_last
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.moments import Moments
from shopkeeper.data.schema import PLACEMENT, READ_CODES, EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.recommenders.item_features import item_feature_vectors
from shopkeeper.recommenders.neural import NeuralRecommender
from shopkeeper.recommenders.price_levels import price_levels
from shopkeeper.recommenders.sequence_settings import SequenceConfig
from shopkeeper.recommenders.start_vectors import start_for, start_vectors
from shopkeeper.recommenders.top_k import top_k
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import BoolArray, Float32Array, Int32Array, Int64Array

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from shopkeeper.nn.embedding import ItemTable
    from shopkeeper.nn.event_embedding import EventEmbedding
    from shopkeeper.nn.sequence_network import SequenceNetwork, SequenceReader
    from shopkeeper.nn.sequences import Sequences
    from shopkeeper.recommenders.newcomers import Newcomers
    from shopkeeper.training.item_loss import ItemLossSettings
    from shopkeeper.training.next_item import WindowSettings
    from shopkeeper.training.objective import Objective

FULL_SOFTMAX_ITEMS = 50_000
"""Up to so many items `loss="auto"` takes the full softmax."""
SPARSE_ITEMS = 200_000
"""From so many items on `sparse_gradients="auto"` updates only the embeddings that a step touches."""
ENCODED_PLACES = 1 << 16
"""Histories are read in batches of at most so many places."""


@dataclass(frozen=True)
class States:
    """What the network made of a few histories.

    Attributes:
        rows: int64 [r]; their places in the batch.
        items: int64 [r, length]; items that were read, padded with 0 on the right.
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
        self.reads_types: bool = False
        """Whether the network reads the types of events and is asked for one."""
        self.price_level: Int64Array | None = None
        """Price level of each item, where it is read."""
        self.features: Float32Array | None = None
        """What is read of each item beside its id, float32 [n_items + 1, width], where features are given."""
        self.item_start: str = "links"
        """Where fresh embeddings start: "links" or "random"."""
        self._exact: tuple[tuple[tuple[int, int], ...], nn.Module] | None = None
        """The network as it answers, and which weights it was made of."""
        self.n_placements: int = 0
        """Placements that the network tells apart, the unknown one counted; 0 where none is read."""

    @abstractmethod
    def _encoder(self) -> nn.Module:
        """What reads a sequence (an `Encoder`), with fresh weights."""

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes weights back."""
        self.repeats = any(name.startswith("repeats.") for name in state)
        self.item_bias = "items.bias.weight" in state
        self.reads_types = "events.types.weight" in state
        self.price_level = state.get("events.price_level")
        self.features = state.get("items.vectors")
        self.n_placements = len(state.get("events.placements.weight", ()))
        super().restore(state)

    def with_newcomers(self, newcomers: Newcomers) -> Recommender:
        """A model that reads features reads those of the newcomers; see `Recommender.with_newcomers`.

        Raises:
            DataError: They have vectors of another width.
        """
        if self.features is None or newcomers.vectors is None:
            return super().with_newcomers(newcomers)
        from shopkeeper.recommenders.stand_ins import with_items_of

        longer = with_items_of(self, newcomers)
        longer.restore(self._longer_state(newcomers, newcomers.vectors))
        return longer

    def _longer_state(self, newcomers: Newcomers, vectors: Float32Array) -> dict[str, NDArray[Any]]:
        """The state with rows of newcomers; what is not told by vectors is the mean of the items that they are like."""
        state = self.state()
        if vectors.shape[1:] != state["items.vectors"].shape[1:]:
            raise DataError(
                f"vectors of new items do not fit {self.name}", expected=f"width {state['items.vectors'].shape[1]}",
                got=f"shape {vectors.shape}", remedy="encode them as the features that the model was trained with",
            )  # fmt: skip
        for name in ("items.embedding.weight", "items.bias.weight", "repeats.log_habit.weight"):
            if name in state:
                state[name] = newcomers.appended(state[name])
        if (levels := state.get("events.price_level")) is not None:
            state["events.price_level"] = np.concatenate([levels, levels[newcomers.neighbors[:, 0]]])
        state["items.vectors"] = np.concatenate([state["items.vectors"], vectors.astype(np.float32)])
        return state

    def _prepare(self, train: Dataset) -> None:
        self._decide(self._read(train.histories))
        self.price_level = price_levels(train) if self.config.read_prices else None
        given = self.config.item_features
        self.features = item_feature_vectors(train, given) if given else None
        self.n_placements = len(_known_placements(train)) + 1 if self.config.read_placements else 0

    def _decide(self, read: Histories) -> None:
        """Decides the settings that are left to the log, by what is read of it, and keeps the reasons."""
        again, several = not self.hide_seen, len(np.unique(read.event_type)) > 1
        seen = "seen items are shown" if again else "seen items are hidden"
        types = "several event types are read" if several else "one event type is read"
        found: dict[str, tuple[Any, str]] = {
            "repeats": (again, seen),
            "item_bias": (again, seen),
            "read_types": (several, types),
            "item_start": start_for(read, self.config.content_start),
        }
        given = {name: getattr(self.config, name) for name in found}
        left = [name for name in found if given[name] == "auto"]
        values = {name: found[name][0] if name in left else given[name] for name in found}
        self.repeats, self.item_bias, self.reads_types, self.item_start = values.values()
        self.decided = {name: f"{json.dumps(values[name])}, because {found[name][1]}" for name in left}

    def _build(self) -> SequenceReader:
        import torch

        from shopkeeper.nn.event_embedding import EventEmbedding

        config = self.config
        n_types = self._n_codes() if self.reads_types else 0
        prices = None if self.price_level is None else torch.from_numpy(self.price_level)
        items = self._item_table()
        events = EventEmbedding(
            config.embedding_size, n_types, config.read_gaps, config.read_calendar, prices, config.embedding_dropout,
            self.n_placements,
        )  # fmt: skip
        return self._network_of(items, events, n_types)

    def _n_codes(self) -> int:
        """Event types have codes below this."""
        return max(READ_CODES, *(event_type.code + 1 for event_type in self.config.history_types))

    def _network_of(self, items: nn.Module, events: EventEmbedding, n_types: int) -> SequenceReader:
        """The network of a table of items and what embeds events; `n_types` is 0 where none is asked for."""
        from shopkeeper.nn.sequence_network import SequenceNetwork

        table = cast("ItemTable", items)
        return SequenceNetwork(table, events, self._encoder(), self.config.max_length, self.repeats, n_types)

    def _start(self, network: nn.Module) -> None:
        import torch

        if self.item_start == "random" or not self.config.item_ids:
            return
        vectors = torch.from_numpy(start_vectors(self.train, self.config.embedding_size, self.config.content_start))
        found = vectors.any(dim=1)
        with torch.no_grad():
            cast("SequenceNetwork", network).items.embedding.weight[found] = vectors[found]

    @property
    def asked_type(self) -> EventType:
        """The event type that answers are about."""
        if self.config.asked_type is not None:
            return self.config.asked_type
        types = self.config.target_types or self.config.history_types
        return self.usual_event if self.usual_event in types else types[-1]

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """Inner product of the state after the last event with all item embeddings; minus infinity without events."""
        import torch

        network = self._answering()
        silent = np.ones(len(histories), dtype=bool)
        states = list(self._states(histories))
        if not states:
            return np.full((len(histories), self.train.n_items + 1), -np.inf, dtype=np.float32)
        hidden = states[0].hidden.new_zeros(len(histories), states[0].hidden.shape[1])
        with torch.inference_mode():
            for state in states:
                hidden[torch.from_numpy(state.rows)] = state.hidden
                silent[state.rows] = False
            logits = network.items.logits(hidden)
            for state in states:
                if state.bonus is not None:
                    rows = torch.from_numpy(state.rows).to(logits.device)
                    places = rows[:, None] * logits.shape[1] + state.items
                    logits.view(-1).scatter_add_(0, places.flatten(), state.bonus.flatten())
        scores: Float32Array = logits.float().cpu().numpy()
        scores[silent] = -np.inf
        return scores

    def score_items(self, user_index: Int32Array, histories: Histories, item_index: Int32Array) -> Float32Array:
        """The same for a few items; the catalog is not touched."""
        import torch

        network = self._answering()
        scores = np.full(item_index.shape, -np.inf, dtype=np.float32)
        for state in self._states(histories):
            asked = torch.from_numpy(item_index[state.rows].astype(np.int64)).to(state.hidden.device)
            rows = network.items.rows(asked, state.hidden.dtype)
            found = torch.einsum("bw,bmw->bm", state.hidden, rows).float()
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
            items, values = _best(logits.float(), min(n, logits.shape[1]))
            chosen[state.rows, : items.shape[1]] = items
            scores[state.rows, : items.shape[1]] = values
        chosen[np.isneginf(scores)] = 0
        return Candidates(chosen, scores)

    def _states(self, histories: Histories) -> Iterator[States]:
        """The network's states after the last event of each history that has one, batches of like length at a time."""
        import torch

        histories = self._read(histories)
        lengths = np.minimum(histories.lengths, self.config.max_length)
        order = np.flatnonzero(lengths)
        order = order[np.argsort(lengths[order], kind="stable")]
        size = max(1, min(ENCODED_PLACES // max(1, int(lengths.max(initial=0))), self.batch_size()))
        network = self._answering()
        device = network.device
        with torch.inference_mode():
            for start in range(0, len(order), size):
                rows = order[start : start + size]
                read = self._asked(histories, rows, device)
                items = read.pad(read.items)
                asked = torch.full((len(rows),), self.asked_type.code, device=device)
                bonus = None if network.repeats is None else network.repeats.last(items, read.lengths).float()
                yield States(rows, items, network.last(read, asked), bonus)

    def _answering(self) -> Any:
        """The network as it answers: on the CPU in float64, so that answers do not hang on who asks beside."""
        from shopkeeper.nn.exact import exact_copy, version

        network: Any = self.network
        if network.device.type != "cpu":
            return network
        now, last = version(network), self._exact  # another thread may replace it meanwhile
        if last is None or last[0] != now:
            self._exact = last = now, exact_copy(network)
        return last[1]

    def _asked(self, histories: Histories, rows: Int64Array, device: torch.device) -> Sequences:
        """What is read of some histories (int64 [b]): the state after the last event of each tells what follows."""
        from shopkeeper.training.reading import read_windows

        return read_windows(histories, pack_last(histories, rows, self.config.max_length), device)

    def _logits(self, state: States) -> Tensor:
        """Logits of all items, float [rows, n_items + 1]."""
        network = self._answering()
        logits: Tensor = network.items.logits(state.hidden)
        return logits if state.bonus is None else logits.scatter_add_(1, state.items, state.bonus)

    def read_events(self, histories: Histories) -> Histories:
        """The last events of the types that the network reads."""
        return self._read(histories).last(self.config.max_length)

    def item_vectors(self) -> Float32Array:
        """What stands for each item, without biases."""
        network: Any = self.network
        vectors: Float32Array = network.items.table().detach().float().cpu().numpy()
        return vectors

    def _objective(self, training: TrainingSettings) -> Objective[Any]:
        from shopkeeper.training.next_item import NextItemObjective

        histories = self._read(self.train.histories)
        return NextItemObjective(
            histories, self.train.n_items, self._cut(), self._loss(), training, self._moments(histories)
        )

    def _cut(self) -> WindowSettings:
        from shopkeeper.training.next_item import WindowSettings

        config = self.config
        return WindowSettings(
            config.max_length, config.overlap, config.prefix_rows, config.alike, config.ties == "shuffle"
        )

    def _moments(self, histories: Histories) -> Moments:
        """What may follow each event."""
        return Moments(histories, self.config.ties != "skip", self.config.horizon, self._wanted(histories))

    def _wanted(self, histories: Histories) -> BoolArray | None:
        """Events that may be targets, bool [events]; None where all may."""
        if self.config.target_types is None:
            return None
        return np.isin(histories.event_type, [event.code for event in self.config.target_types])

    def _item_table(self) -> nn.Module:
        """Fresh embeddings of the catalog."""
        import torch

        from shopkeeper.nn.embedding import ItemTable
        from shopkeeper.nn.feature_table import FeatureTable

        config, bias = self.config, self.item_bias
        if self.features is None:
            table = ItemTable(self.train.n_items, config.embedding_size, bias, self._sparse(), config.temperature)
        else:
            vectors = torch.from_numpy(self.features)
            table = FeatureTable(vectors, config.embedding_size, config.item_ids, bias, config.temperature)
        table.set_popularity(self.train.item_counts())
        return table

    def _loss(self) -> ItemLossSettings:
        from shopkeeper.training.item_loss import ItemLossSettings

        name = self.config.loss
        if name == "auto":
            name = "softmax" if self.train.n_items <= FULL_SOFTMAX_ITEMS else "sampled_softmax"
        return ItemLossSettings(
            name=name,
            n_negatives=self.config.n_negatives,
            popularity_power=self.config.popularity_power,
            in_batch=self.config.in_batch,
            hardest=self.config.hardest,
            calibration=self.config.calibration,
            smoothing=self.config.smoothing,
            contrast=self.config.contrast,
            chunk_bytes=int(self.config.chunk_megabytes * (1 << 20)),
        )

    def _sparse(self) -> bool:
        """Whether the gradient of the item embedding is sparse."""
        if self.features is not None:
            return False
        if self.config.sparse_gradients == "auto":
            return self.train.n_items >= SPARSE_ITEMS and self._loss().name != "softmax"
        return self.config.sparse_gradients

    def _read(self, histories: Histories) -> Histories:
        """Only the events that the model reads."""
        codes = np.array([event.code for event in self.config.history_types], dtype=np.uint8)
        kept = np.isin(histories.event_type, codes)
        read = histories if kept.all() else histories.where(kept)
        return read.strongest() if self.config.merge_events else read


def _best(logits: Tensor, n: int) -> tuple[Int32Array, Float32Array]:
    """The n best of each row, int32 [rows, n], and their logits; on the CPU the smaller item of equal ones is first.

    What PyTorch takes of equal ones hangs on n.
    """
    if logits.device.type == "cpu":
        return top_k(logits.numpy(), n)
    values, items = logits.topk(n, dim=1)
    return items.cpu().numpy().astype(np.int32), values.cpu().numpy()


def _known_placements(train: Dataset) -> Vocabulary:
    if train.placements is None:
        raise DataError(
            "no placement is known",
            expected=f"a column `{PLACEMENT}` in the log",
            remedy="set read_placements=false of the model",
        )
    return train.placements
