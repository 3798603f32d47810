"""Items as they are posted become changes as they are stored: ids checked, texts trimmed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import UNSET

from shopkeeper.data.categories import NOTHING
from shopkeeper.serving.event_store.item_changes import REMOVED, ItemChange
from shopkeeper.serving.event_store.records import IdKinds
from shopkeeper.serving.live_items.bounds import OURS
from shopkeeper.serving.live_items.live_items import ItemRequest
from shopkeeper.serving.live_items.rows import FACTS
from shopkeeper.serving.problems import InvalidError
from shopkeeper.serving.reading import check_id, decode
from shopkeeper.serving.requests import ItemFactsIn, ItemIn
from shopkeeper.types import Id

_POSTED: Final = msgspec.json.Decoder(ItemIn | list[ItemIn])
_PATCHED: Final = msgspec.json.Decoder(ItemFactsIn)


@dataclass(frozen=True)
class ItemIntake:
    """Reads posted items.

    Attributes:
        kinds: Which ids are integers.
        max_batch: Most items in one request.
    """

    kinds: IdKinds
    max_batch: int

    def posted(self, body: bytes) -> ItemRequest:
        """Items of one request, all of them or none; they are in the shop from then on.

        Raises:
            UnreadableError: The body is no JSON.
            InvalidError: One of the items is not right; the message names it.
        """
        found = decode(_POSTED, body)
        alone = not isinstance(found, list)
        items = found if isinstance(found, list) else [found]
        if len(items) > self.max_batch:
            raise InvalidError(
                "too many items in one request", expected=f"at most {self.max_batch}", got=str(len(items)),
                remedy="send several requests",
            )  # fmt: skip
        paths = [""] if alone else [f"[{place}]." for place in range(len(items))]
        changes = [self.change(item, path) for item, path in zip(items, paths, strict=True)]
        return ItemRequest(changes, known=False)

    def change(self, item: ItemIn, path: str = "") -> ItemChange:
        """One posted item.

        Raises:
            InvalidError: Its id is of another kind, or an attribute has the name of a column of ours.
        """
        item_id = check_id(item.item_id, self.kinds.item_integer, f"{path}item_id")
        return ItemChange(item_id, time.time_ns() // 1000, facts_of(item, path) | {REMOVED: False})

    def patched(self, item_id: Id, body: bytes) -> ItemRequest:
        """Facts of an item that is there.

        Raises:
            UnreadableError: The body is no JSON.
            InvalidError: A fact is not right, or there is none.
        """
        return ItemRequest([self.patch(item_id, decode(_PATCHED, body))], known=True)

    @staticmethod
    def patch(item_id: Id, given: ItemFactsIn) -> ItemChange:
        """Facts of one item.

        Raises:
            InvalidError: There is none, or an attribute has the name of a column of ours.
        """
        facts = facts_of(given)
        if not facts:
            raise InvalidError("nothing is to be changed", expected=f"one of {', '.join(FACTS)}, attributes")
        return ItemChange(item_id, time.time_ns() // 1000, facts)

    @staticmethod
    def removed(item_id: Id) -> ItemRequest:
        """An item that is there is taken out."""
        return ItemRequest([ItemChange(item_id, time.time_ns() // 1000, {REMOVED: True})], known=True)


def facts_of(given: ItemFactsIn, path: str = "") -> dict[str, Any]:
    """Columns of the catalog that are named, as it writes them.

    Raises:
        InvalidError: An attribute has the name of a column of ours.
    """
    facts = {name: _written(value) for name in FACTS if (value := getattr(given, name)) is not UNSET}
    attributes = {} if given.attributes is UNSET else given.attributes
    for name in attributes:
        if name in OURS:
            raise InvalidError(f"{path}attributes cannot hold {name!r}", expected="a name that is none of our columns")
    return facts | attributes


def _written(value: Any) -> Any:
    """A text as the catalog has it: trimmed, null where it says nothing. `changed_rows` reads paths of categories."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    return None if text in NOTHING else text
