"""Keeps the items as they are now: writes changes, follows those of others, and puts the outcome over the bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, NamedTuple

from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.serving.event_store.item_changes import ItemChange, ItemChanges
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.live_items.shelf import Outcome, Shelf, Stand
from shopkeeper.serving.live_items.states import ItemState, ItemStates
from shopkeeper.serving.problems import NotFoundError
from shopkeeper.types import Id

PAGE: Final = 10_000
"""Changes read from the store at once."""


class ItemRequest(NamedTuple):
    """Changes that came together."""

    changes: Sequence[ItemChange]
    known: bool
    """Whether the items must be there already."""


class LiveItems:
    """The items of one worker. Safe to use from many threads.

    Args:
        bundle: As it was trained.
        store: Where changes are kept; those that are there count from the beginning.
        put: Puts what is to be served in place of what is served.
        unsold: See `Shelf`.

    Raises:
        StoreError: The store does not answer.
    """

    def __init__(self, bundle: Bundle, store: EventStore, put: Callable[[Stand], None], unsold: bool = False) -> None:
        self._store_id = store.store_id
        self._changes = ItemChanges(store)
        self._states = ItemStates()
        self._unsold = unsold
        self._shelf = Shelf(bundle, self._store_id, unsold)
        self._put = put
        self._lock = Lock()
        self._untaken: dict[Id, ItemState] = {}
        """What is not served yet; it stays here where something fails."""
        self._read()
        self._shelf.take(list(self._untaken.values()))
        self._untaken = {}

    def stand(self) -> Stand:
        """What is to be served now."""
        with self._lock:
            return self._shelf.stand()

    def change(self, requests: Sequence[ItemRequest]) -> list[list[Outcome]]:
        """Writes changes in one transaction; when this returns they are on the disk and every answer knows of them.

        Raises:
            NotFoundError: An item that must be there is not; nothing is written.
            StoreError: The store does not answer.
        """
        with self._lock:
            self._follow()
            for request in requests:
                self._check(request)
            changes = [change for request in requests for change in request.changes]
            drafts = self._states.with_changes(changes)
            self._changes.add(self._shelf.with_vectors(changes, drafts))
            self._follow()
            return [[self._shelf.outcome(change.item_id) for change in request.changes] for request in requests]

    def follow(self) -> None:
        """Takes in what others wrote, unless a change is under way here, which does so too.

        Raises:
            StoreError: The store cannot be read.
        """
        if self._lock.acquire(blocking=False):
            try:
                self._follow()
            finally:
                self._lock.release()

    def move_to(self, bundle: Bundle, put: Callable[[Stand], None]) -> None:
        """Puts all changes that another bundle does not know over that one.

        Args:
            bundle: As it was trained.
            put: Serves it; where it raises, all stays as it was.
        """
        with self._lock:
            shelf = Shelf(bundle, self._store_id, self._unsold)
            shelf.take(list(self._states))
            put(shelf.stand())
            self._shelf = shelf

    def _follow(self) -> None:
        self._read()
        if self._untaken:
            self._shelf.take(list(self._untaken.values()))
            self._put(self._shelf.stand())
            self._untaken = {}

    def _read(self) -> None:
        """Finds what is new in the store, and what could not be encoded before."""
        self._untaken |= {state.item_id: state for state in self._shelf.waiting}
        while True:
            page = self._changes.after(self._states.cursor, PAGE)
            self._untaken |= {state.item_id: state for state in self._states.take(page)}
            if len(page) < PAGE:
                return

    def _check(self, request: ItemRequest) -> None:
        for change in request.changes if request.known else ():
            if change.item_id not in self._shelf:
                raise NotFoundError(
                    "there is no such item", got=repr(change.item_id), remedy="POST /items adds one, /items lists all"
                )
