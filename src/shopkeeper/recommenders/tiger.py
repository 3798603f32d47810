"""TIGER: items have ids of a few digits that begin alike for items that are alike, and a network writes the next one.

Rajput et al., "Recommender systems with generative retrieval", NeurIPS 2023. What is kept is the idea: residual
codebooks give every item a semantic id, the history is read by these ids alone, and the next id is generated digit by
digit, by beam search over a trie of the items that may come out. What differs: an event is one place of the sequence
(the sum of its digits' embeddings) and not four, so that the encoder is that of `SASRec`, and the digits are told by
small networks from the state and the digits before them (see `nn/semantic_digits.py`). Only items that the beam finds
have a score.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.errors import NotFittedError
from shopkeeper.features.semantic_ids import CodebookSettings, SemanticIds
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.recommenders.item_codes import ItemCodes
from shopkeeper.recommenders.newcomers import Newcomers
from shopkeeper.recommenders.sasrec import SASRecConfig
from shopkeeper.recommenders.sequence import SequenceRecommender
from shopkeeper.recommenders.stand_ins import with_items_of
from shopkeeper.recommenders.start_vectors import start_vectors
from shopkeeper.search_space import Choice, SearchSpace
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import BoolArray, Float32Array, Int32Array, Int64Array

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from shopkeeper.nn.event_embedding import EventEmbedding
    from shopkeeper.nn.generative_network import GenerativeNetwork
    from shopkeeper.nn.semantic_digits import DigitTable
    from shopkeeper.nn.sequence_network import SequenceReader
    from shopkeeper.nn.trie import Trie
    from shopkeeper.training.objective import Objective

CODES: Final = "codes."
"""Before the names of what is kept of the ids."""
COPIED: Final = ("items.digits", "items.vectors")
"""Parts of the network that are the ids and the vectors again, and not kept."""
OWN: Final = "items.own.weight"
MOST_IDS: Final = 2**46
"""Ids without their last digit; a `Trie` has room for as many as 65,536 items of one such id then."""
SEARCHED: Final = 1 << 24
"""Longer beginnings that a beam search weighs at once; memory grows with them, some 30 bytes each."""
STD: Final = 0.05
"""Of the embeddings of digits at the start."""
SMALLEST: Final = 1e-12


class TIGERConfig(SASRecConfig):
    """Settings of `TIGER`: those of its transformer, whose dropout is the decoder's too, and of the ids."""

    codebooks: CodebookSettings = CodebookSettings()
    """Digits of the ids."""
    quantizer: Literal["kmeans", "rqvae"] = "kmeans"
    """What chooses them: residual k-means or an autoencoder."""
    vector_size: Annotated[int, Field(ge=1)] = 128
    """Width of the vectors that are coded where no `item_features` are: what the log, and with `content_start` the
    catalog, say of the items."""
    read_vectors: bool = True
    """Read an item's vector beside its digits."""
    own_embeddings: bool = False
    """Give each item an embedding of its own beside its digits."""
    dense: Annotated[float, Field(ge=0)] = 0.0
    """Weight of a second loss, that of `SASRec`: the state is compared with what is read of every item."""
    dense_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """With `dense`: what the beam finds is ordered by the comparison too, which counts so much, the beam the rest."""
    beam: Annotated[int, Field(ge=1)] = 50
    """Beginnings of ids that are kept at each digit, and items that have a score, at least as many as are asked for."""

    search: ClassVar[SearchSpace] = {"read_vectors": Choice((True, False)), "dense": Choice((0.0, 1.0))}

    @model_validator(mode="after")
    def _ids_fit_numbers(self) -> TIGERConfig:
        if self.codebooks.size**self.codebooks.levels > MOST_IDS:
            raise ValueError("codebooks of so many digits and values make ids that are too long: at most 2^46 of them")
        return self


class TIGER(SequenceRecommender):
    """A transformer over semantic ids that generates the next one."""

    Config = TIGERConfig
    config: TIGERConfig
    learns = "order"

    def __init__(self, config: RecommenderConfig | None = None) -> None:
        super().__init__(config)
        self._codes: ItemCodes | None = None
        self._trie: tuple[bytes, Trie] | None = None
        """The last trie that was asked for, and the items in it."""

    @property
    def codes(self) -> ItemCodes:
        """The items' vectors and ids, and the codebooks between them.

        Raises:
            NotFittedError: There are none yet.
        """
        if self._codes is None:
            raise NotFittedError(f"{self.name} has no codebooks", remedy="call fit(train) or load a saved one")
        return self._codes

    @property
    def ids(self) -> SemanticIds:
        """The semantic id of every item."""
        return self.codes.ids

    def with_newcomers(self, newcomers: Newcomers) -> Recommender:
        """Newcomers get ids by the codebooks of training, and are generated by them; see `Recommender.with_newcomers`.

        Raises:
            DataError: They have vectors of another width.
        """
        told = newcomers if self.config.item_features else replace(newcomers, vectors=None)  # those of other models
        longer, codes = with_items_of(self, newcomers), self.codes.with_newcomers(told)
        weights = longer_weights(super().state(), codes.ids.sizes)
        if OWN in weights:
            weights[OWN] = newcomers.appended(weights[OWN])
        longer.restore(weights | kept(codes))
        return longer

    def _prepare(self, train: Dataset) -> None:
        super()._prepare(train)
        import torch

        self.repeats = self.item_bias = False
        self.decided = {name: words for name, words in self.decided.items() if name == "read_types"}
        if self.features is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                vectors = start_vectors(train, self.config.vector_size, self.config.content_start)
        else:
            vectors = self.features
        self._codes, self._trie = ItemCodes.fit(vectors, self.config.quantizer, self.config.codebooks), None

    def _encoder(self) -> nn.Module:
        from shopkeeper.nn.attention import Transformer

        config = self.config
        return Transformer(config.embedding_size, config.n_layers, config.n_heads, config.max_length, config.dropout)

    def _item_table(self) -> nn.Module:
        import torch

        from shopkeeper.nn.semantic_digits import DigitTable

        vectors = torch.from_numpy(self.codes.vectors) if self.config.read_vectors else None
        digits = torch.from_numpy(self.ids.digits.astype(np.int64))
        return DigitTable(digits, self.ids.sizes, self.config.embedding_size, vectors, self.config.own_embeddings)

    def _network_of(self, items: nn.Module, events: EventEmbedding, n_types: int) -> SequenceReader:
        from shopkeeper.nn.generative_network import GenerativeNetwork

        return GenerativeNetwork(cast("DigitTable", items), events, self._encoder(), self.config.dropout, n_types)

    def _start(self, network: nn.Module) -> None:
        """Digits start at the mean of what vectors have left of the digits before, items at what is left then."""
        import torch

        if self.config.item_start == "random" or self.features is not None:
            return
        width = min(self.config.embedding_size, self.codes.vectors.shape[1])
        means, places = self.codes.digit_means(width), self.codes.places
        factor = np.float32(STD / max(float(means.std()), SMALLEST))
        table = cast("GenerativeNetwork", network).items
        with torch.no_grad():
            table.embedding.weight[:, :width] = torch.from_numpy(means * factor)
            if table.own is not None:
                left = self.codes.vectors[:, :width] - means[places].sum(axis=1)
                table.own.weight[1:, :width] = torch.from_numpy(left[1:] * factor)

    def _objective(self, training: TrainingSettings) -> Objective[Any]:
        from shopkeeper.training.next_item import NextItemObjective
        from shopkeeper.training.semantic_loss import SemanticLoss

        histories = self._read(self.train.histories)
        loss = SemanticLoss(self.config.dense, int(self.config.chunk_megabytes * (1 << 20)), training.matmul_precision)
        return NextItemObjective(histories, self.train.n_items, self._cut(), loss, training, self._moments(histories))

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """Logarithm of the probability of the items that the beam finds; minus infinity for all others."""
        scores = np.full((len(histories), self.train.n_items + 1), -np.inf, dtype=np.float32)
        for state in self._states(histories):
            items, found = self._generate(state.hidden, None, self.config.beam)
            scores[state.rows[:, None], items] = found
        scores[:, 0] = -np.inf
        return scores

    def score_items(self, user_index: Int32Array, histories: Histories, item_index: Int32Array) -> Float32Array:
        """The same for a few items, whether a beam would find them or not."""
        import torch

        network = cast("GenerativeNetwork", self._answering())
        scores = np.full(item_index.shape, -np.inf, dtype=np.float32)
        for state in self._states(histories):
            asked = torch.from_numpy(item_index[state.rows].astype(np.int64)).to(state.hidden.device)
            with torch.inference_mode():
                found = network.decoder.log_probability(state.hidden, network.items.digits[asked])
                found = self._ordered(state.hidden, asked, found)
            scores[state.rows] = found.float().cpu().numpy()
        return scores

    def candidates(self, user_index: Int32Array, histories: Histories, n: int, eligible: Eligible) -> Candidates:
        """The n best that a beam finds among the ids of what may come out."""
        import torch

        chosen = np.zeros((len(histories), n), dtype=np.int32)
        scores = np.full((len(histories), n), -np.inf, dtype=np.float32)
        widths = self._widths(n, np.bincount(eligible.hidden_rows, minlength=len(histories)))
        for state in self._states(histories):
            for width in np.unique(widths[state.rows]):
                alike = np.flatnonzero(widths[state.rows] == width)
                rows = state.rows[alike]
                items, found = self._generate(state.hidden[torch.from_numpy(alike)], eligible.allowed, int(width))
                asked = np.repeat(rows, items.shape[1])
                kept = eligible.keep(asked, items.ravel().astype(np.int32), self.train.n_items).reshape(items.shape)
                found[~kept | (items == 0)] = -np.inf
                order = np.argsort(-found, axis=1, kind="stable")[:, :n]
                chosen[rows, : order.shape[1]] = np.take_along_axis(items, order, axis=1)
                scores[rows, : order.shape[1]] = np.take_along_axis(found, order, axis=1)
        chosen[np.isneginf(scores)] = 0
        return Candidates(chosen, scores)

    def _widths(self, n: int, hidden: Int64Array) -> Int64Array:
        """How wide a beam each shopper gets, int64 [b]: by their own hidden items, and there are few widths.

        Args:
            n: How many items are asked for.
            hidden: int64 [b]; how many items must not come out for each shopper.
        """
        room = np.where(hidden > 0, 1 << np.ceil(np.log2(np.maximum(hidden, 1))).astype(np.int64), 0)
        widths: Int64Array = np.minimum(np.maximum(self.config.beam, n + room), max(self.config.beam, self.ids.n_items))
        return widths

    def _generate(self, hidden: Tensor, allowed: BoolArray | None, width: int) -> tuple[Int64Array, Float32Array]:
        """Items, int64 [b, width], best first, and their scores; item 0 where the trie has no more."""
        import torch

        from shopkeeper.nn.beam_search import beam_search

        network = cast("GenerativeNetwork", self._answering())
        trie = self._trie_of(allowed, hidden.device)
        rows = max(1, SEARCHED // (width * max(self.ids.sizes)))
        parts = []
        with torch.inference_mode():
            for states in torch.split(hidden, rows):
                items, scores = beam_search(network.decoder, states, trie, width)
                scores, order = self._ordered(states, items, scores).sort(dim=1, descending=True, stable=True)
                parts.append((items.gather(1, order), scores))
        items, scores = (torch.cat(column) for column in zip(*parts, strict=True))
        return items.cpu().numpy(), scores.float().cpu().numpy()

    def _ordered(self, hidden: Tensor, items: Tensor, scores: Tensor) -> Tensor:
        """Scores of items (int64 [b, m], as theirs) after states, in which the comparison counts too."""
        share = self.config.dense_share
        if not self.config.dense or not share:
            return scores
        rows = cast("GenerativeNetwork", self._answering()).items(items).to(hidden.dtype)
        both = (1 - share) * scores + share * cast("Tensor", rows @ hidden[:, :, None])[..., 0]
        return both.masked_fill(scores.isneginf(), -np.inf)

    def _trie_of(self, allowed: BoolArray | None, device: torch.device) -> Trie:
        import torch

        from shopkeeper.nn.trie import Trie

        name = b"" if allowed is None else np.packbits(allowed).tobytes()
        last = self._trie  # another thread may replace it meanwhile
        if last is None or last[0] != name:
            items = np.arange(1, self.ids.n_items + 1)
            items = items if allowed is None else items[allowed[1:]]
            digits = torch.from_numpy(self.ids.digits[items].astype(np.int64))
            self._trie = last = name, Trie(digits, torch.from_numpy(items), self.ids.sizes)
        return last[1].to(device)

    def item_vectors(self) -> Float32Array:
        """What the network reads of each item."""
        import torch

        network = cast("GenerativeNetwork", self.network)
        every = torch.arange(self.train.n_items + 1, device=network.device)
        with torch.inference_mode():
            vectors: Float32Array = network.items(every).float().cpu().numpy()
        return vectors

    def state(self) -> dict[str, NDArray[Any]]:
        """The weights, and what is kept of the ids."""
        return {name: values for name, values in super().state().items() if name not in COPIED} | kept(self.codes)

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes weights and ids back."""
        codes = {name.removeprefix(CODES): values for name, values in state.items() if name.startswith(CODES)}
        self._codes, self._trie = ItemCodes.restore(codes, self.config.quantizer), None
        weights = {name: values for name, values in state.items() if not name.startswith(CODES)}
        copied: dict[str, NDArray[Any]] = {"items.digits": self.ids.digits.astype(np.int64)}
        if self.config.read_vectors:
            copied["items.vectors"] = self.codes.vectors
        super().restore(weights | copied)


def kept(codes: ItemCodes) -> dict[str, NDArray[Any]]:
    """The ids as a part of a model's state."""
    return {CODES + name: values for name, values in codes.state().items()}


def longer_weights(state: dict[str, NDArray[Any]], sizes: tuple[int, ...]) -> dict[str, NDArray[Any]]:
    """Weights for ids whose last digit, which tells equals apart, has more values; the new ones are as rare as any.

    Args:
        state: Weights of a `GenerativeNetwork`.
        sizes: Values of each digit now.
    """
    last = len(sizes) - 1
    grown = dict(state)
    for name, size in (("items.embedding.weight", sum(sizes)), (f"decoder.outs.{last}.weight", sizes[last]),
                       (f"decoder.outs.{last}.bias", sizes[last])):  # fmt: skip
        missing = size - len(state[name])
        grown[name] = np.concatenate([state[name], np.repeat(state[name][-1:], missing, axis=0)])
    return {name: values for name, values in grown.items() if name not in COPIED}
