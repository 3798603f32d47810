"""Past sessions as flat arrays, with the places where each item occurs: what models of neighbor sessions look into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.artifacts import check_indices, check_offsets, check_shape
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.types import Float32Array, Int32Array, Int64Array

MICROSECONDS_A_DAY = 86_400 * 1_000_000


@dataclass(frozen=True)
class SessionIndex:
    """Events of s sessions, oldest first within each, and the most recent sessions of each item.

    Attributes:
        offsets: int64 [s + 1]; events of session i are the places offsets[i] to offsets[i + 1].
        item_index: int32 [events].
        weight: float32 [events]; what an event counts, above zero.
        age: float32 [s]; days from the last event of a session to the last one of all.
        item_offsets: int64 [n_items + 2]; entries of item i in `places` are item_offsets[i] to item_offsets[i + 1].
        places: int64 [entries]; the last event on the item in each of its most recent sessions, most recent first.
        frequency: int64 [n_items + 1]; in how many sessions an item occurs, the older ones too.
    """

    offsets: Int64Array
    item_index: Int32Array
    weight: Float32Array
    age: Float32Array
    item_offsets: Int64Array
    places: Int64Array
    frequency: Int64Array

    @property
    def n_sessions(self) -> int:
        """Number of sessions, s."""
        return len(self.age)

    def session_of(self, places: Int64Array) -> Int64Array:
        """The sessions of events at these places."""
        return np.searchsorted(self.offsets, places, side="right") - 1

    def check(self, n_items: int) -> None:
        """Refuses arrays that do not belong together.

        Raises:
            ArtifactError: Offsets do not ascend, or an index is out of range.
        """
        n_events = len(self.item_index)
        check_offsets(self.offsets, len(self.age), n_events, "offsets of sessions")
        check_offsets(self.item_offsets, n_items + 1, len(self.places), "offsets of items")
        check_indices(self.item_index, 1, n_items + 1, "items of sessions")
        check_indices(self.places, 0, n_events, "places of items")
        check_shape(self.weight, (n_events,), "weights of events")
        check_shape(self.frequency, (n_items + 1,), "frequency")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, for `SessionIndex(**arrays)`."""
        return dict(vars(self))

    @staticmethod
    def of(train: Dataset, weights: Float32Array, sessions_an_item: int) -> SessionIndex:
        """From a log: its sessions where it tells them, else one session a history.

        Args:
            train: The log.
            weights: float32 [types + 1]; weight of an event by the code of its type. Types of zero or less are left
                out.
            sessions_an_item: So many most recent sessions of each item are looked at.
        """
        sessions = _sessions(train)
        sessions = sessions.where(weights[sessions.event_type] > 0)
        sessions = sessions.take(np.flatnonzero(sessions.lengths > 0))
        ends = np.asarray(sessions.timestamp)[sessions.offsets[1:] - 1]
        age = ((ends.max(initial=0) - ends) / MICROSECONDS_A_DAY).astype(np.float32)
        items = np.asarray(sessions.item_index, dtype=np.int32)
        places = _by_item(sessions, items, ends)
        frequency = np.bincount(items[places], minlength=train.n_items + 1)
        nth = np.arange(len(places)) - np.repeat(np.cumsum(frequency) - frequency, frequency)
        return SessionIndex(
            offsets=np.asarray(sessions.offsets),
            item_index=items,
            weight=weights[sessions.event_type].astype(np.float32),
            age=age,
            item_offsets=np.concatenate([[0], np.cumsum(np.minimum(frequency, sessions_an_item))]),
            places=places[nth < sessions_an_item],
            frequency=frequency,
        )


def _sessions(train: Dataset) -> Histories:
    """The events by session in place of by shopper; a session keeps the order of its shopper's events."""
    if train.session_index is None:
        return train.histories
    histories, session = train.histories, np.asarray(train.session_index)
    order = np.lexsort((np.arange(len(session)), session))
    return Histories(
        offsets=np.concatenate([[0], np.cumsum(np.bincount(session))]).astype(np.int64),
        item_index=np.asarray(histories.item_index)[order],
        event_type=np.asarray(histories.event_type)[order],
        timestamp=np.asarray(histories.timestamp)[order],
    )


def _by_item(sessions: Histories, items: Int32Array, ends: Int64Array) -> Int64Array:
    """Places of the last event on each item in each session: by item, then the most recently ended session first."""
    rows, place = sessions.rows, np.arange(len(items))
    newest = np.empty(len(ends), dtype=np.int64)
    newest[np.lexsort((np.arange(len(ends)), ends))[::-1]] = np.arange(len(ends))
    order = np.lexsort((-place, newest[rows], items))
    last = np.ones(len(order), dtype=bool)
    last[1:] = (np.diff(items[order]) != 0) | (np.diff(rows[order]) != 0)
    return order[last]
