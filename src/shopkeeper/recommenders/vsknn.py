"""V-SKNN (Ludewig & Jannach 2018, "Evaluation of Session-based Recommendation Algorithms"): session kNN by vectors.

Sessions that share items with the present one are its neighbors; the most recent shared items count most. A neighbor
votes for its items by its similarity, less where the most recent item that it shares lies further back. Nothing is
learned: a session that ended a moment ago is answered without training.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import Field

from shopkeeper.recommenders.session_neighbors import SessionNeighbors, SessionNeighborsConfig
from shopkeeper.search_space import Choice, Floats, SearchSpace
from shopkeeper.types import Float32Array, Float64Array, Int64Array

Decay: TypeAlias = Literal["same", "linear", "harmonic", "logarithmic", "quadratic"]
"""What an item counts that n are more recent than: 1, 1 - n / 10, 1 / (n + 1), 1 / log10(n + 2.7), or 1 / (n + 1)^2."""


class VSKNNConfig(SessionNeighborsConfig):
    """Settings of `VSKNN`; the defaults are those found on view sessions (`benchmarks/sessions.py`)."""

    length_power: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Similarity is divided by the number of events of the neighbor to this power; 0 in the paper."""
    target_power: Annotated[float, Field(ge=0, le=1)] = 0.15
    """Votes for an item are divided by the number of its sessions to this power; 0 in the paper."""
    own: Annotated[float, Field(ge=0)] = 1.3
    """What the shared item itself counts in a vote, as a share; 1 in the paper, 0 never says the same item again."""
    repeats: Annotated[float, Field(ge=0)] = 2.0
    """The shared item itself counts the number of times that the question has it to this power; 0 in the paper."""
    query_decay: Decay = "linear"
    """How items of the question count the less the further back they lie, when similarity is told."""
    vote_decay: Decay = "harmonic"
    """How a neighbor's vote counts the less the further back the most recent shared item lies."""
    idf: Annotated[float, Field(ge=0)] = 1.0
    """Votes for an item count 1 + this times log(sessions / sessions with the item); 0 leaves it out."""

    search: ClassVar[SearchSpace] = {
        "query_decay": Choice(("same", "linear", "harmonic", "logarithmic", "quadratic")),
        "vote_decay": Choice(("same", "linear", "harmonic", "logarithmic", "quadratic")),
        "idf": Floats(0.0, 10.0),
    }


class VSKNN(SessionNeighbors):
    """Session kNN whose similarity and votes mind how recent the shared items are."""

    Config = VSKNNConfig
    config: VSKNNConfig

    def _query_weights(self, step: Int64Array) -> Float32Array:
        return _decayed(step, self.config.query_decay)

    def _event_weights(self, distance: Int64Array, step: Int64Array) -> Float32Array:
        return _decayed(step, self.config.vote_decay)

    def _item_weights(self) -> Float64Array:
        share = np.maximum(self.index.frequency, 1) / self.index.n_sessions
        return super()._item_weights() * (1 - self.config.idf * np.log(share))


def _decayed(step: Int64Array, decay: Decay) -> Float32Array:
    back = step.astype(np.float32)
    weights: Float32Array = {
        "same": np.ones_like(back),
        "linear": np.maximum(1 - back / 10, 0),
        "harmonic": 1 / (back + 1),
        "logarithmic": 1 / np.log10(back + np.float32(2.7)),
        "quadratic": 1 / (back + 1) ** 2,
    }[decay].astype(np.float32)
    return weights
