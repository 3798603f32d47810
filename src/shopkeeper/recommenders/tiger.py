"""TIGER: items have ids of a few digits that begin alike for items that are alike, and a network writes the next one.

Rajput et al., "Recommender systems with generative retrieval", NeurIPS 2023. What is kept is the idea: residual
codebooks give every item a semantic id, the history is read by these ids alone, and the next id is generated digit by
digit, by beam search over a trie of the items that may come out. What differs: an event is one place of the sequence
(the sum of its digits' embeddings) and not four, so that the encoder is that of `SASRec`, and the digits are told by
small networks from the state and the digits before them (see `nn/semantic_digits.py`). Only items that the beam finds
have a score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.features.semantic_ids import Codebooks, CodebookSettings, SemanticIds
from shopkeeper.recommenders.base import RecommenderConfig
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.recommenders.sasrec import SASRecConfig
from shopkeeper.recommenders.sequence import SequenceRecommender
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

DIGITS: Final = "items.digits"
SIZES: Final = "semantic.sizes"
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
    beam: Annotated[int, Field(ge=1)] = 50
    """Beginnings of ids that are kept at each digit, and items that have a score, at least as many as are asked for."""

    search: ClassVar[SearchSpace] = {"read_vectors": Choice((True, False))}


class TIGER(SequenceRecommender):
    """A transformer over semantic ids that generates the next one."""

    Config = TIGERConfig
    config: TIGERConfig
    learns = "order"

    def __init__(self, config: RecommenderConfig | None = None) -> None:
        super().__init__(config)
        self.ids: SemanticIds = SemanticIds.of(np.zeros((0, 1), dtype=np.int32), (1,))
        """The semantic id of every item."""
        self._vectors: Float32Array | None = None
        """What was coded, float32 [n_items + 1, vector_size]; None where a loaded model does not read it."""
        self._trie: tuple[bytes, Trie] | None = None
        """The last trie that was asked for, and the items in it."""

    def _prepare(self, train: Dataset) -> None:
        super()._prepare(train)
        import torch

        self.repeats = self.item_bias = False
        if self.features is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                vectors = start_vectors(train, self.config.vector_size, self.config.content_start)
        else:
            vectors = self.features
        self._vectors = vectors / max(float(vectors.std()), SMALLEST)
        self.ids = semantic_ids(vectors[1:], self.config)
        self._trie = None

    def _encoder(self) -> nn.Module:
        from shopkeeper.nn.attention import Transformer

        config = self.config
        return Transformer(config.embedding_size, config.n_layers, config.n_heads, config.max_length, config.dropout)

    def _item_table(self) -> nn.Module:
        import torch

        from shopkeeper.nn.semantic_digits import DigitTable

        vectors = torch.from_numpy(self._vectors) if self.config.read_vectors and self._vectors is not None else None
        digits = torch.from_numpy(self.ids.digits.astype(np.int64))
        return DigitTable(digits, self.ids.sizes, self.config.embedding_size, vectors)

    def _network_of(self, items: nn.Module, events: EventEmbedding, n_types: int) -> SequenceReader:
        from shopkeeper.nn.generative_network import GenerativeNetwork

        return GenerativeNetwork(cast("DigitTable", items), events, self._encoder(), self.config.dropout, n_types)

    def _start(self, network: nn.Module) -> None:
        """Digits start at the mean of what their items' vectors have left of the digits before."""
        import torch

        if self.config.item_start == "random" or self._vectors is None or self.features is not None:
            return
        width = min(self.config.embedding_size, self._vectors.shape[1])  # the first columns tell most
        means = digit_means(self._vectors[1:, :width], self.ids)
        with torch.no_grad():
            weight = cast("GenerativeNetwork", network).items.embedding.weight
            weight[:, :width] = torch.from_numpy(means * np.float32(STD / max(float(means.std()), SMALLEST)))

    def _objective(self, training: TrainingSettings) -> Objective[Any]:
        from shopkeeper.training.next_item import NextItemObjective
        from shopkeeper.training.semantic_loss import semantic_loss

        histories = self._read(self.train.histories)
        moments = self._moments(histories)
        return NextItemObjective(histories, self.train.n_items, self._cut(), semantic_loss, training, moments)

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

        network = cast("GenerativeNetwork", self.network)
        scores = np.full(item_index.shape, -np.inf, dtype=np.float32)
        for state in self._states(histories):
            asked = torch.from_numpy(item_index[state.rows].astype(np.int64)).to(state.hidden.device)
            with torch.inference_mode():
                found = network.decoder.log_probability(state.hidden, network.items.digits[asked])
            scores[state.rows] = found.float().cpu().numpy()
        return scores

    def candidates(self, user_index: Int32Array, histories: Histories, n: int, eligible: Eligible) -> Candidates:
        """The n best that a beam finds among the ids of what may come out."""
        chosen = np.zeros((len(histories), n), dtype=np.int32)
        scores = np.full((len(histories), n), -np.inf, dtype=np.float32)
        width = max(self.config.beam, n + eligible.most_hidden)
        for state in self._states(histories):
            items, found = self._generate(state.hidden, eligible.allowed, width)
            rows = np.repeat(state.rows, items.shape[1])
            kept = eligible.keep(rows, items.ravel().astype(np.int32), self.train.n_items).reshape(items.shape)
            found[~kept | (items == 0)] = -np.inf
            order = np.argsort(-found, axis=1, kind="stable")[:, :n]
            chosen[state.rows, : order.shape[1]] = np.take_along_axis(items, order, axis=1)
            scores[state.rows, : order.shape[1]] = np.take_along_axis(found, order, axis=1)
        chosen[np.isneginf(scores)] = 0
        return Candidates(chosen, scores)

    def _generate(self, hidden: Tensor, allowed: BoolArray | None, width: int) -> tuple[Int64Array, Float32Array]:
        """Items, int64 [b, width], best first, and their scores; item 0 where the trie has no more."""
        import torch

        from shopkeeper.nn.beam_search import beam_search

        network = cast("GenerativeNetwork", self.network)
        with torch.inference_mode():
            items, scores = beam_search(network.decoder, hidden, self._trie_of(allowed, hidden.device), width)
        return items.cpu().numpy(), scores.float().cpu().numpy()

    def _trie_of(self, allowed: BoolArray | None, device: torch.device) -> Trie:
        import torch

        from shopkeeper.nn.trie import Trie

        name = b"" if allowed is None else np.packbits(allowed).tobytes()
        if self._trie is None or self._trie[0] != name:
            items = np.arange(1, self.ids.n_items + 1)
            items = items if allowed is None else items[allowed[1:]]
            digits = torch.from_numpy(self.ids.digits[items].astype(np.int64))
            self._trie = name, Trie(digits, torch.from_numpy(items), self.ids.sizes)
        return self._trie[1].to(device)

    def item_vectors(self) -> Float32Array:
        """What the network reads of each item."""
        import torch

        network = cast("GenerativeNetwork", self.network)
        every = torch.arange(self.train.n_items + 1, device=network.device)
        with torch.inference_mode():
            vectors: Float32Array = network.items(every).float().cpu().numpy()
        return vectors

    def state(self) -> dict[str, NDArray[Any]]:
        """The weights, the ids among them, and the sizes of the digits."""
        return {**super().state(), SIZES: np.array(self.ids.sizes)}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes weights and ids back."""
        sizes = tuple(int(size) for size in state[SIZES])
        self.ids = SemanticIds(state[DIGITS].astype(np.int32), sizes)
        self._vectors, self._trie = state.get("items.vectors"), None
        super().restore({name: values for name, values in state.items() if name != SIZES})


def semantic_ids(vectors: Float32Array, config: TIGERConfig) -> SemanticIds:
    """The ids of items.

    Args:
        vectors: float32 [n_items, width].
        config: Which codebooks.
    """
    if config.quantizer == "kmeans":
        books = Codebooks.fit(vectors, config.codebooks)
        return SemanticIds.of(books.code(vectors), books.sizes)
    from shopkeeper.features.semantic_ids.rqvae import RqVae, RqVaeSettings

    autoencoder = RqVae.fit(vectors, RqVaeSettings(**config.codebooks.model_dump()))
    return SemanticIds.of(autoencoder.code(vectors), autoencoder.sizes)


def digit_means(vectors: Float32Array, ids: SemanticIds) -> Float32Array:
    """For each value of each digit the mean of what its items' vectors have left of the digits before.

    Args:
        vectors: float32 [n_items, width].
        ids: Of these items.

    Returns:
        float32 [sum of sizes, width]; zeros for values that no item has.
    """
    rest = vectors.astype(np.float32)
    found = []
    for column, size in zip(ids.digits[1:].T, ids.sizes, strict=True):
        sums = np.zeros((size, vectors.shape[1]), dtype=np.float32)
        np.add.at(sums, column, rest)
        means = sums / np.maximum(np.bincount(column, minlength=size), 1)[:, None].astype(np.float32)
        rest = rest - means[column]
        found.append(means)
    return np.concatenate(found)
