"""What an item may bring, at every door; and a store that holds more from before."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from shopkeeper.errors import DataError
from shopkeeper.jobs.item_changes import StoredItems, catalog_with_changes, export_items
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.serving.event_store.item_changes import REMOVED, ItemChange, ItemChanges
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.live_items.bounds import ItemBounds
from shopkeeper.serving.live_items.live_items import ItemRequest, LiveItems
from shopkeeper.serving.problems import InvalidError, NotFoundError
from shopkeeper.serving.settings import ServiceSettings

DEEP = " > ".join("abcdefghijklmnopq")
TOO_MUCH: dict[str, dict[str, Any]] = {
    "17 steps": {"category": DEEP},
    "17 steps as a list": {"category": str(list("abcdefghijklmnopq"))},
    "513 characters": {"category": "x" * 513},
    "a long name": {"n" * 129: 1},
    "201 names": {f"name-{number}": 1 for number in range(201)},
}


def posted(item: str, **facts: Any) -> ItemChange:
    return ItemChange(item, 2**52, {REMOVED: False, **facts})


def removal(item: str) -> ItemRequest:
    return ItemRequest([ItemChange(item, 2**52 + 1, {REMOVED: True})], known=True)


def opened(bundle: Bundle, store: EventStore) -> LiveItems:
    return LiveItems(bundle, store, lambda _: None)


@pytest.mark.parametrize("name", TOO_MUCH)
def test_an_item_that_brings_too_much_is_refused_at_both_doors(bundle: Bundle, store: EventStore, name: str) -> None:
    items, facts = opened(bundle, store), TOO_MUCH[name]
    with pytest.raises(InvalidError, match=r"too (long|deep|many)"):
        items.change([ItemRequest([posted("new", **facts)], known=False)])
    with pytest.raises((InvalidError, DataError)):  # what no request could be is none either
        StoredItems(store).add([{"item_id": "new"} | (facts if "category" in facts else {"attributes": facts})])
    assert ItemChanges(store).last() == 0


def test_what_keeps_the_bounds_is_taken(bundle: Bundle, store: EventStore) -> None:
    items = opened(bundle, store)
    names = {f"name-{number}": 1 for number in range(100)}
    items.change([ItemRequest([posted("one", category=DEEP[:-4], **names)], known=False)])
    items.change([ItemRequest([posted("two", category="x" * 512, **names)], known=False)])
    assert items.stand().n_new == 2


def test_names_of_attributes_are_counted_over_all_items(bundle: Bundle, store: EventStore) -> None:
    bounds = ItemBounds.of(ServiceSettings(max_attributes=3))
    items = LiveItems(bundle, store, lambda _: None, bounds=bounds)
    items.change([ItemRequest([posted("one", a=1, b=2)], known=False)])
    with pytest.raises(InvalidError, match="too many names"):
        items.change([ItemRequest([posted("two", c=1), posted("three", d=1)], known=False)])
    with pytest.raises(InvalidError, match="too many names"):
        StoredItems(store, bounds).add([{"item_id": "two", "attributes": {"c": 1, "d": 1}}])
    items.change([ItemRequest([posted("two", b=1, c=1)], known=False)])
    items.change([ItemRequest([posted("three", a=1, b=1, c=1)], known=False)])
    assert items.stand().n_new == 3


@pytest.mark.parametrize("name", TOO_MUCH)
@pytest.mark.parametrize("door", ["service", "store"])
def test_a_store_with_such_a_row_opens_names_it_and_is_healed_by_removing(
    bundle: Bundle, store: EventStore, name: str, door: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    changes = ItemChanges(store)
    changes.add([posted("good", title="Spade"), posted("huge", **TOO_MUCH[name]), posted("later", title="Rake")])
    with caplog.at_level(logging.ERROR):
        items = opened(bundle, store)
    assert "'huge'" in caplog.text and "'good'" not in caplog.text
    catalog = items.stand().bundle.catalog
    assert catalog is not None
    listed = catalog.table.column("item_id").to_pylist()
    assert "good" in listed and "later" in listed and "huge" not in listed
    export_items(store, tmp_path / "items.parquet")
    assert pq.read_table(tmp_path / "items.parquet").column("item_id").to_pylist() == ["good", "later"]
    merged = catalog_with_changes(bundle.catalog, store, bundle.card)
    assert merged is not None and "huge" not in merged.table.column("item_id").to_pylist()

    if door == "service":
        items.change([removal("huge")])
        with pytest.raises(NotFoundError):
            items.change([removal("never")])
    else:
        StoredItems(store).remove("huge")
    assert [one.change.facts for one in changes.every() if one.change.item_id == "huge"] == [{REMOVED: True}]
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        opened(bundle, store)
    assert caplog.text == ""


def test_an_item_that_was_healed_may_be_posted_again(bundle: Bundle, store: EventStore) -> None:
    ItemChanges(store).add([posted("huge", category=DEEP, title="Spade")])
    items = opened(bundle, store)
    items.change([removal("huge")])
    items.change([ItemRequest([posted("huge", category="Garden > Tools")], known=False)])
    assert items.stand().n_new == 1
