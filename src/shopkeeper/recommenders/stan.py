"""STAN (Garg et al., SIGIR 2019, "Sequence and Time Aware Neighborhood"): session kNN that minds order and age.

Like V-SKNN, with three decays: items of the question count the less the further back they lie, neighbors the less the
older they are, and their events the less the further they stand from the shared item. Beyond the paper, events after
the shared item may count otherwise than those before it, and the shared item itself more or less. Nothing is learned by
gradient: a session that ended a moment ago is answered without training.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from shopkeeper.recommenders.session_neighbors import SessionNeighbors, SessionNeighborsConfig
from shopkeeper.search_space import Floats, SearchSpace
from shopkeeper.types import Float32Array, Int64Array


class STANConfig(SessionNeighborsConfig):
    """Settings of `STAN`; the defaults are those found on view sessions (`benchmarks/sessions.py`)."""

    length_power: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Similarity is divided by the number of events of the neighbor to this power; 0.5 is the cosine of the paper."""
    target_power: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Votes for an item are divided by the number of its sessions to this power; above 0 favors rare items."""
    own: Annotated[float, Field(ge=0)] = 0.85
    """What the shared item itself counts in a vote, as a share; 1 in the paper, 0 never says the same item again."""
    repeats: Annotated[float, Field(ge=0)] = 2.0
    """The shared item itself counts the number of times that the question has it to this power; 0 in the paper."""
    history_decay: Annotated[float, Field(gt=0, le=1)] = 0.75
    """An item of the question counts this factor less for each more recent one, when similarity is told."""
    vote_decay: Annotated[float, Field(gt=0, le=1)] = 0.6
    """A vote counts this factor less for each item of the question that is more recent than all shared ones; 1 in the
    paper."""
    distance_decay: Annotated[float, Field(gt=0, le=1)] = 0.7
    """An event of a neighbor counts this factor less for each further place from the shared item."""
    before: Annotated[float, Field(ge=0)] = 0.85
    """What events before the shared item count, as a share of those after it; 1 in the paper."""
    recency_days: Annotated[float, Field(gt=0)] | None = 100.0
    """A session counts 1/e less for each so many days that it is older; None forgets age."""

    search: ClassVar[SearchSpace] = {
        "history_decay": Floats(0.3, 1.0),
        "vote_decay": Floats(0.3, 1.0),
        "distance_decay": Floats(0.3, 1.0),
        "before": Floats(0.0, 1.0),
        "recency_days": Floats(1.0, 1000.0, log=True),
    }


class STAN(SessionNeighbors):
    """Session kNN that minds the order of events and the age of sessions."""

    Config = STANConfig
    config: STANConfig
    learns = "order"
    follows = True

    def _query_weights(self, step: Int64Array) -> Float32Array:
        return np.power(np.float32(self.config.history_decay), step, dtype=np.float32)

    def _session_weights(self, session: Int64Array) -> Float32Array:
        weights = super()._session_weights(session)
        if self.config.recency_days is None:
            return weights
        weights *= np.exp(-self.index.age[session] / np.float32(self.config.recency_days))
        return weights

    def _event_weights(self, distance: Int64Array, step: Int64Array) -> Float32Array:
        config = self.config
        apart = np.power(np.float32(config.distance_decay), np.abs(distance) - 1, dtype=np.float32)
        later = np.power(np.float32(config.vote_decay), step, dtype=np.float32)
        side = np.where(distance > 0, np.float32(1), np.float32(config.before))
        votes: Float32Array = apart * later * side
        return votes
