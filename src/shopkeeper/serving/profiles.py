"""What every shopper did until now: the histories of the bundle and, over them, what the event store got since.

What the store got lies in memory as one string of packed records a shopper, sorted by time: 30 bytes an event. Of views
and likes before the latest thousands only the newest of each item is kept; all else stays, since what was bought must
not come back however long ago it was. Strings are replaced, never changed, so that reading needs no lock. Events of
items that nobody knows wait a while: the item may be new, and known a moment later (`extended`). A shopper who was
forgotten is unknown from then on: live events are dropped, and the histories of the bundle, which cannot change, are
passed over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from threading import Lock
from typing import Final, cast

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.data.netting import TAKERS
from shopkeeper.data.placements import placement_code
from shopkeeper.data.schema import INTEREST_TYPES, PADDING
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.pipeline.card import StorePosition
from shopkeeper.pipeline.predictions import OwnEvents
from shopkeeper.recommenders.base import Recommender
from shopkeeper.serving.event_columns import (
    FIELDS,
    RECORD,
    RETURN,
    Columns,
    at,
    columns_of,
    inserted,
    merged,
    settled_columns,
    thinned,
    without_returned,
)  # fmt: skip
from shopkeeper.serving.event_store.records import Deleted, Deletion, ShopEvent, StoredEvent, user_digest
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.types import Id, Int64Array

PAGE: Final = 10_000
"""Events read from the store at once."""
MOST_WAITING: Final = 20_000
"""So many events of items that nobody knows are kept, the latest."""
LIVE_EVENTS: Final = 10_000
"""So many of the latest events of a shopper since the bundle are kept whole."""
THINNED_EVERY: Final = 64
"""Events beyond these after which the older ones are looked through."""
KEPT: Final = {event_type: event_type.code for event_type in (*INTEREST_TYPES, *TAKERS.values())}
"""What takes something back is kept for that; an impression says nothing of the shopper."""


class Profiles:
    """Live histories of all shoppers. Safe to use from many threads; histories are read without waiting.

    Args:
        pipeline: What is served; its training vocabularies and its memory count.
        store: Where events come from; `catch_up` reads them.
        max_history: So many of the latest events since the bundle are kept whole; None keeps `LIVE_EVENTS`.
        since: How much of a store the memory holds already, as the bundle's card tells and `EventStore.verified` found
            right; None takes the store whole, and an event counts once where the memory holds one of the same user,
            item, type and time.
    """

    def __init__(
        self, pipeline: Recommender, store: EventStore, max_history: int | None = None,
        since: StorePosition | None = None,
    ) -> None:  # fmt: skip
        self.max_history = max_history
        self._kept_whole = max_history or LIVE_EVENTS
        self._store = store
        self._items, self._users = pipeline.train.items, pipeline.train.users
        self._placements = pipeline.train.placements
        self._base_users = pipeline.memory.users
        base = pipeline.memory.histories
        self._offsets: Int64Array = np.asarray(base.offsets)
        placement = base.placement if self._placements is not None else None
        if placement is None:
            placement = np.broadcast_to(np.uint8(0), base.item_index.shape)
        unknown = np.broadcast_to(np.float32(np.nan), base.item_index.shape)
        price, quantity = (unknown if one is None else one for one in (pipeline.memory.price, pipeline.memory.quantity))
        columns = (base.timestamp, base.item_index, base.event_type, placement, price, quantity)
        self._base: Columns = cast(Columns, tuple(map(np.asarray, columns)))
        self._returns_kept = bool((np.asarray(base.event_type) == RETURN).any())
        known = since if since is not None and since.store_id == store.store_id else None
        self._overlaps = known is None
        self._cursor = 0 if known is None else known.sequence
        self._deletions_of_base = 0 if known is None else known.deletions
        self._deletion = 0
        self._ahead: set[int] = set()
        self._live: dict[Id, bytes] = {}
        self._by_digest: dict[bytes, Id] = {}
        """Shoppers with live events, but for those in `_undigested`: who is forgotten is found without a search."""
        self._undigested: list[Id] = []
        self._forgotten: dict[bytes, int] = {}
        self._masked: set[bytes] = set()
        self._waiting: deque[StoredEvent] = deque(maxlen=MOST_WAITING)
        self._changing, self._catching_up = Lock(), Lock()

    @property
    def position(self) -> StorePosition:
        """How much of the store the histories hold."""
        return StorePosition(store_id=self._store.store_id, sequence=self._cursor, deletions=self._deletion)

    @property
    def n_live_users(self) -> int:
        """Number of shoppers with events that the bundle does not hold."""
        return len(self._live)

    def user_index(self, user_id: Id) -> int:
        """The index of a shopper in training, 0 for one who is unknown or was forgotten."""
        return PADDING if self._is_masked(user_id) else self._users.index(user_id)

    def knows(self, user_id: Id) -> bool:
        """Whether anything is known of a shopper."""
        if user_id in self._live:
            return True
        return not self._is_masked(user_id) and (user_id in self._base_users or user_id in self._users)

    def history(self, user_id: Id) -> Histories:
        """What a shopper did: one row, oldest first, in training indices, settled (see `netting.settled`).

        The row of an unknown shopper is empty.
        """
        live = self._live.get(user_id)
        columns = self._base_of(user_id)
        if live is not None:
            columns = merged(columns, columns_of(live))
        times, items, types, placements, *_ = settled_columns(columns)
        offsets = np.array([0, len(items)], dtype=np.int64)
        return Histories(offsets, items, types, times, None if self._placements is None else placements)

    def own_events(self, user_id: Id) -> OwnEvents:
        """All that a shopper did: every event of the bundle's log, and the latest since, as that log would hold them.

        Where it holds no returns, a purchase that was returned since is left out too. Impressions since are not known.
        """
        live = self._live.get(user_id)
        columns = self._base_of(user_id)
        if live is not None:
            columns = merged(columns, columns_of(live))
            if not self._returns_kept and (columns[2] == RETURN).any():
                columns = without_returned(columns)
        times, items, types, placements, price, quantity = columns
        offsets = np.array([0, len(items)], dtype=np.int64)
        placement = None if self._placements is None else placements
        return OwnEvents(Histories(offsets, items, types, times, placement), price, quantity)

    def extended(self, items: Vocabulary) -> Profiles:
        """The same histories for a pipeline that knows more items, with the events that waited for these.

        What is stored afterwards goes to one of both; these here stay right for the pipeline that they were made for.

        Args:
            items: Those of here, and new ones behind them.
        """
        longer = copy(self)
        longer._changing, longer._catching_up = Lock(), Lock()
        longer._items = items
        with self._changing:
            longer._cursor, longer._deletion = self._cursor, self._deletion
            longer._ahead, longer._live = set(self._ahead), dict(self._live)
            longer._by_digest, longer._undigested = dict(self._by_digest), list(self._undigested)
            longer._forgotten, longer._masked = dict(self._forgotten), set(self._masked)
            waiting, longer._waiting = list(self._waiting), deque(maxlen=MOST_WAITING)
        for sequence, event in waiting:
            longer._put(sequence, event)
        return longer

    def apply(self, stored: Iterable[StoredEvent]) -> None:
        """Takes events in that the store just got; those that were taken in before change nothing."""
        with self._changing:
            for sequence, event in stored:
                if sequence > self._cursor and sequence not in self._ahead:
                    self._ahead.add(sequence)
                    self._put(sequence, event)

    def catch_up(self) -> int:
        """Reads what the store got since, from whatever process; gives the number of events that were new here.

        Raises:
            StoreError: The store cannot be read; the next call goes on where this one stopped.
        """
        new = 0
        with self._catching_up:
            while True:
                page = self._store.after(self._cursor, PAGE)
                # Read after the events: of a deletion that is not seen here, no later event is on the page.
                deletions = self._store.deletions_after(self._deletion)
                with self._changing:
                    self._forget(deletions)
                    new += self._take(page)
                if len(page) < PAGE:
                    return new

    def forget(self, user_id: Id) -> Deleted:
        """Forgets a shopper: in the store, here, and in every other process when that catches up.

        Raises:
            DataError: The id is not of the shop's kind.
            StoreError: The store refuses; nothing is forgotten.
        """
        deleted = self._store.delete_user(user_id)
        self.catch_up()
        return deleted

    def _take(self, page: Sequence[StoredEvent]) -> int:
        new = 0
        for sequence, event in page:
            if sequence not in self._ahead:
                self._put(sequence, event)
                new += 1
        if page:
            self._cursor = page[-1].sequence
            self._ahead = {sequence for sequence in self._ahead if sequence > self._cursor}
        return new

    def _put(self, sequence: int, event: ShopEvent) -> None:
        item, code = self._items.index(event.item_id), KEPT.get(event.event_type)
        if code is None:
            return
        if item == PADDING:
            self._waiting.append(StoredEvent(sequence, event))
            return
        if self._forgotten and not self._after(self._forgotten, StoredEvent(sequence, event)):
            return
        user = event.user_id
        if self._overlaps and self._base_holds(user, (event.timestamp, item, code)):
            return
        placement = placement_code(self._placements, event.placement)
        price, quantity = (np.nan if one is None else one for one in (event.price, event.quantity))
        record = (sequence, event.timestamp, item, code, placement, price, quantity)
        if user not in self._live:
            self._undigested.append(user)
        records = inserted(self._live.get(user, b""), record)
        older = len(records) // RECORD.size - self._kept_whole
        self._live[user] = thinned(records, self._kept_whole) if older > 0 and older % THINNED_EVERY == 0 else records

    def _forget(self, deletions: Sequence[Deletion]) -> None:
        if not deletions:
            return
        fresh = {deletion.user_digest: deletion.after_sequence for deletion in deletions}
        self._forgotten |= fresh
        self._masked |= {one.user_digest for one in deletions if one.number > self._deletions_of_base}
        self._deletion = deletions[-1].number
        still = [one for one in self._waiting if self._after(fresh, one)]
        self._waiting = deque(still, maxlen=MOST_WAITING)
        self._by_digest |= {user_digest(self._store.store_id, user): user for user in self._undigested}
        self._undigested.clear()
        for digest, after in fresh.items():
            user = self._by_digest.get(digest)
            if user is not None:
                events = np.frombuffer(self._live[user], FIELDS)
                if kept := events[events["sequence"] > after].tobytes():
                    self._live[user] = kept
                else:
                    del self._live[user], self._by_digest[digest]

    def _after(self, forgotten: Mapping[bytes, int], stored: StoredEvent) -> bool:
        """Whether an event came after its shopper was forgotten, if ever."""
        return stored.sequence > forgotten.get(user_digest(self._store.store_id, stored.event.user_id), -1)

    def _base_holds(self, user_id: Id, event: tuple[int, int, int]) -> bool:
        """Whether the bundle holds an event of this time, item and type."""
        times, items, types, *_ = self._base_of(user_id)
        time, item, code = event
        return bool(np.any((times == time) & (items == item) & (types == code)))

    def _is_masked(self, user_id: Id) -> bool:
        return bool(self._masked) and user_digest(self._store.store_id, user_id) in self._masked

    def _base_of(self, user_id: Id) -> Columns:
        place = self._base_users.index(user_id)
        if place == PADDING or self._is_masked(user_id):
            first = last = 0
        else:
            first, last = int(self._offsets[place - 1]), int(self._offsets[place])
        return at(self._base, slice(first, last))
