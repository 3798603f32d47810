"""What was said of items since the bundle: all changes of an item as one state, and what a bundle knows already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from shopkeeper.pipeline.card import Card
from shopkeeper.serving.event_store.item_changes import REMOVED, ItemChange, StoredItemChange
from shopkeeper.types import Id


class Said(NamedTuple):
    """The latest value of one column."""

    value: Any
    number: int
    """Of the change that said it."""
    timestamp: int


@dataclass
class ItemState:
    """All that was said of one item.

    Attributes:
        item_id: Which.
        facts: Column of the catalog, or `REMOVED`, to what was said last.
        vectors: Vectors of its texts that came with changes, by `ItemEncoder.key`; the last one alone.
        posted: Whether it was put into the shop. A change of an item that nobody knows makes no new one.
    """

    item_id: Id
    facts: dict[str, Said] = field(default_factory=dict)
    vectors: dict[bytes, bytes] = field(default_factory=dict)
    posted: bool = False

    @property
    def removed(self) -> bool:
        """Whether it was taken out of the shop. That holds until it is posted again, whatever a bundle says."""
        said = self.facts.get(REMOVED)
        return said is not None and bool(said.value)

    def take(self, change: ItemChange, number: int) -> None:
        """Takes in a later change."""
        said = {name: Said(value, number, change.timestamp) for name, value in change.facts.items()}
        self.facts = {**self.facts, **said}
        self.posted |= change.facts.get(REMOVED) is False
        if change.vector is not None and change.vector_of is not None:
            self.vectors = {change.vector_of: change.vector}


class ItemStates:
    """The states of all items that changed, in the order in which they were first heard of."""

    def __init__(self) -> None:
        self.cursor = 0
        """Number of the last change that was taken in."""
        self._states: dict[Id, ItemState] = {}

    def __iter__(self) -> Iterator[ItemState]:
        return iter(self._states.values())

    def __len__(self) -> int:
        return len(self._states)

    def take(self, stored: Iterable[StoredItemChange]) -> list[ItemState]:
        """Takes in changes, ascending; gives the states that are others now."""
        changed: dict[Id, ItemState] = {}
        for number, change in stored:
            state = self._states.setdefault(change.item_id, ItemState(change.item_id))
            state.take(change, number)
            changed[change.item_id] = state
            self.cursor = number
        return list(changed.values())

    def with_changes(self, changes: Sequence[ItemChange]) -> list[ItemState]:
        """The states as they will be when these are stored; one for each change."""
        drafts: dict[Id, ItemState] = {}
        for change in changes:
            known = drafts.get(change.item_id) or self._states.get(change.item_id)
            draft = ItemState(change.item_id) if known is None else copy(known)
            draft.take(change, self.cursor + 1)
            drafts[change.item_id] = draft
        return [drafts[change.item_id] for change in changes]


@dataclass(frozen=True)
class Known:
    """Which changes a bundle's catalog is from after.

    Attributes:
        number: All changes up to this one were written into the catalog; None where nobody read them.
        timestamp: Then those from before this moment, Unix microseconds, are taken as older than the catalog.
    """

    number: int | None
    timestamp: int

    @staticmethod
    def of(card: Card, store_id: str) -> Known:
        """What the card of a bundle tells: how far its store was read, or else when its training began."""
        read = card.store if card.store is not None and card.store.store_id == store_id else None
        began = datetime.fromisoformat(card.created_at).timestamp() - card.seconds
        return Known(None if read is None else read.item_changes, round(began * 1e6))

    def holds(self, said: Said) -> bool:
        """Whether the catalog is later than this."""
        return said.timestamp < self.timestamp if self.number is None else said.number <= self.number
