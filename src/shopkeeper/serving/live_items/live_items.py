"""Keeps the items as they are now: writes changes, follows those of others, and puts the outcome over the bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, NamedTuple

from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.serving.event_store.item_changes import REMOVED, ItemChange, ItemChanges
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.live_items.bounds import DEFAULT_BOUNDS, ItemBounds, attribute_names, within
from shopkeeper.serving.live_items.shelf import Outcome, Shelf, Stand
from shopkeeper.serving.live_items.states import ItemState, ItemStates
from shopkeeper.serving.logs import LOGGER
from shopkeeper.serving.problems import InvalidError, NotFoundError
from shopkeeper.types import Id

PAGE: Final = 10_000
"""Changes read from the store at once."""
NAMED: Final = 50
"""Items that one line of the log names."""


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
        bounds: Of what an item may bring; changes in the store that bring more are left out.

    Raises:
        StoreError: The store does not answer.
    """

    def __init__(
        self, bundle: Bundle, store: EventStore, put: Callable[[Stand], None], unsold: bool = False,
        bounds: ItemBounds = DEFAULT_BOUNDS,
    ) -> None:  # fmt: skip
        self._bounds = bounds
        self._left_out: dict[Id, InvalidError] = {}
        """Items of which a change is not served, since it brings too much."""
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
        self._name_left_out()

    def stand(self) -> Stand:
        """What is to be served now."""
        with self._lock:
            return self._shelf.stand()

    @property
    def cursor(self) -> int:
        """Number of the last change that was read."""
        return self._states.cursor

    def start_anew(self) -> None:
        """Reads all changes again, since the store was restored; `move_to` puts them over a bundle.

        Raises:
            StoreError: The store cannot be read; all stays as it was.
        """
        with self._lock:
            before, self._states = self._states, ItemStates()
            self._untaken = {}
            try:
                self._read()
            except Exception:
                self._states = before
                raise
            self._untaken = {}

    def change(self, requests: Sequence[ItemRequest]) -> list[list[Outcome]]:
        """Writes changes in one transaction; when this returns they are on the disk and every answer knows of them.

        Raises:
            NotFoundError: An item that must be there is not; nothing is written.
            InvalidError: An item brings too much; nothing is written.
            StoreError: The store does not answer.
        """
        with self._lock:
            self._follow()
            names = self._names()
            for request in requests:
                self._check(request, names)
            changes = [change for request in requests for change in request.changes]
            drafts = self._states.with_changes(changes)
            self._changes.add(self._shelf.with_vectors(changes, drafts), self._bounds.is_over)
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
            kept, left_out = within(page, self._bounds, self._names(), self._shelf.category_format)
            self._untaken |= {state.item_id: state for state in self._states.take(kept)}
            self._states.cursor = page[-1].number if page else self._states.cursor
            self._left_out |= {stored.change.item_id: error for stored, error in left_out}
            for _, change in kept:
                if change.facts.get(REMOVED):  # what is out of the shop is not missed
                    self._left_out.pop(change.item_id, None)
            if len(page) < PAGE:
                return

    def _names(self) -> set[str]:
        """Names of attributes that the shop has."""
        return attribute_names([self._shelf.columns, *(state.facts for state in self._untaken.values())])

    def _name_left_out(self) -> None:
        if self._left_out:
            LOGGER.error(
                "of %d items a change is left out that brings too much, `shopkeeper items remove` heals them: %s",
                len(self._left_out),
                "; ".join(f"{item_id!r}: {error}" for item_id, error in list(self._left_out.items())[:NAMED]),
            )

    def _check(self, request: ItemRequest, names: set[str]) -> None:
        for place, change in enumerate(request.changes):
            where = f"[{place}]." if len(request.changes) > 1 else ""
            self._bounds.check(change.facts, names, self._shelf.category_format, where)
            names |= attribute_names([change.facts])
            missing = request.known and change.item_id not in self._shelf
            if missing and not (change.facts.get(REMOVED) and change.item_id in self._left_out):
                raise NotFoundError(
                    "there is no such item", got=repr(change.item_id), remedy="POST /items adds one, /items lists all"
                )
