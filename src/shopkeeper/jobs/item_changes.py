"""Items that come, change and go from outside a service: over its API, or straight into its event store."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, build_opener

import msgspec

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.schema import CREATED_AT, ITEM_ID, PARENT_ID
from shopkeeper.errors import ArtifactError, ConfigError, DataError, EndpointError
from shopkeeper.features.patience import NoRedirect
from shopkeeper.pipeline.card import Card
from shopkeeper.serving.event_store.item_changes import REMOVED, ItemChange, ItemChanges
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.live_items.bounds import ANY_FORMAT, DEFAULT_BOUNDS, ItemBounds, attribute_names, within
from shopkeeper.serving.live_items.intake import ItemIntake
from shopkeeper.serving.live_items.rows import FACTS, CatalogRows, changed_rows
from shopkeeper.serving.live_items.states import ItemState, ItemStates, Known
from shopkeeper.serving.requests import ItemFactsIn, ItemIn
from shopkeeper.types import Id

AT_ONCE: Final = 500
"""Items of one request, or of one transaction."""
SECONDS: Final = 60.0
"""An answer that takes longer is given up."""
KEY_HEADER: Final = "X-API-Key"


class Items(Protocol):
    """Where items are changed."""

    def add(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Puts items into the shop, as `POST /items` takes them."""

    def change(self, item_id: str, facts: Mapping[str, Any]) -> None:
        """Changes facts of one item, as `PATCH /items/{id}` takes them."""

    def remove(self, item_id: str) -> None:
        """Takes one item out of the shop."""


class StoredItems:
    """Items in an event store; services that run on it follow within moments.

    Args:
        store: An open store.
        bounds: Of what an item may bring.
    """

    def __init__(self, store: EventStore, bounds: ItemBounds = DEFAULT_BOUNDS) -> None:
        self._bounds = bounds
        self._names: set[str] = set()
        self._named_until = 0
        self._kinds = store.kinds
        self._changes = ItemChanges(store)
        self._intake = ItemIntake(store.kinds, AT_ONCE)

    def add(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Puts items into the shop.

        Raises:
            DataError: An item is not right; the transaction that it is part of is not written.
            InvalidError: An item brings too much; the same.
            StoreError: The store refuses.
        """
        for part in _parts(_with_kind(items, self._kinds.item_integer)):
            self._add([self._intake.change(_read(item, ItemIn)) for item in part])

    def change(self, item_id: str, facts: Mapping[str, Any]) -> None:
        """Changes facts of one item; nothing comes of it where nobody knows the item.

        Raises:
            DataError: A fact is not right.
            StoreError: The store refuses.
        """
        self._add([self._intake.patch(self._id(item_id), _read(facts, ItemFactsIn))])

    def remove(self, item_id: str) -> None:
        """Takes one item out of the shop, and out of the store what it said that is never served.

        Raises:
            StoreError: The store refuses.
        """
        self._add([ItemChange(self._id(item_id), time.time_ns() // 1000, {REMOVED: True})])

    def _add(self, changes: Sequence[ItemChange]) -> None:
        names = self._shop_names() if attribute_names(change.facts for change in changes) else set()
        for change in changes:
            self._bounds.check(change.facts, names, ANY_FORMAT, f"the item {change.item_id!r}: ")
            names |= attribute_names([change.facts])
        self._changes.add(changes, self._bounds.is_over)

    def _shop_names(self) -> set[str]:
        """Names of attributes that changes of the store brought; of them only what came since the last look is read."""
        for stored in self._changes.every(since=self._named_until):
            self._names |= attribute_names([stored.change.facts])
            self._named_until = stored.number
        return set(self._names)

    def _id(self, text: str) -> Id:
        return id_of_kind(text, self._kinds.item_integer)


class ServedItems:
    """Items of a service that runs.

    Args:
        url: Its address, ``http://localhost:8080``.
        key: An API key, or None.

    Raises:
        ConfigError: This is no web address.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigError("a service has a web address", expected="--url http://localhost:8080", got=repr(url))
        self._url = url.rstrip("/")
        self._opener = build_opener(NoRedirect)
        self._headers = {"Content-Type": "application/json"} | ({KEY_HEADER: key} if key else {})

    def add(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Puts items into the shop.

        Raises:
            DataError: An item is not right; the request that it is part of changed nothing.
            EndpointError: The service does not answer.
        """
        described = self._ask("GET", "/openapi.json")["components"]["schemas"]["ItemIn"]["properties"][ITEM_ID]
        integer = any(choice.get("type") == "integer" for choice in described.get("anyOf", [described]))
        for part in _parts(_with_kind(items, integer)):
            self._ask("POST", "/items", part)

    def change(self, item_id: str, facts: Mapping[str, Any]) -> None:
        """Changes facts of one item.

        Raises:
            DataError: There is no such item, or a fact is not right.
            EndpointError: The service does not answer.
        """
        self._ask("PATCH", f"/items/{quote(item_id, safe='')}", facts)

    def remove(self, item_id: str) -> None:
        """Takes one item out of the shop.

        Raises:
            DataError: There is no such item.
            EndpointError: The service does not answer.
        """
        self._ask("DELETE", f"/items/{quote(item_id, safe='')}")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        request = Request(self._url + path, content, self._headers, method=method)  # noqa: S310 - checked above
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return json.loads(answer.read())
        except HTTPError as error:
            if 300 <= error.code < 400:
                raise EndpointError(
                    f"{self._url} sends on to another address, where the API key does not go",
                    got=error.headers.get("Location"), remedy="give that address as --url, if it is the one you mean",
                ) from error  # fmt: skip
            said = _said(error)
            kind = DataError if error.code in (404, 413, 422) else EndpointError
            raise kind(said["problem"], expected=said["expected"], got=said["got"], remedy=said["remedy"]) from error
        except (OSError, HTTPException, ValueError, LookupError) as error:
            raise EndpointError(
                f"{self._url} does not answer as a service does",
                got=str(error),
                remedy="look whether `shopkeeper serve` runs there",
            ) from error


def items_of(catalog: Catalog) -> Iterator[dict[str, Any]]:
    """The rows of a catalog as `POST /items` takes them; what is not known is left out."""
    for row in catalog.table.to_pylist():
        known = {name: value for name, value in row.items() if _is_known(value)}
        item = {name: known[name] for name in (ITEM_ID, *FACTS) if name in known}
        rest = known.keys() - item.keys() - {PARENT_ID, CREATED_AT}
        yield item | ({"attributes": {name: _plain(known[name]) for name in sorted(rest)}} if rest else {})


def export_items(store: EventStore, file: Path) -> int:
    """Writes what was said of items since as rows of a catalog, for the next training; a removed one is not available.

    Args:
        store: An open store.
        file: A Parquet file, written whole or not at all.

    Returns:
        The number of items.

    Raises:
        StoreError: The store cannot be read.
        ArtifactError: The file cannot be written; an earlier one is unchanged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    states = _states(store)
    nothing = CatalogRows(None, store.kinds.item_integer)
    none = pa.table({ITEM_ID: pa.array([], nothing.id_type)})
    rows = changed_rows(nothing, states, Known(None, 0)).table if states else none
    temporary = file.with_name(f".{file.name}.writing-{uuid.uuid4().hex[:8]}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            pq.write_table(rows, temporary, compression="zstd")
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ArtifactError(f"cannot write {file}", got=str(error), remedy="check space and permissions") from error
    return int(rows.num_rows)


def catalog_with_changes(
    catalog: Catalog | None, store: EventStore, card: Card, bounds: ItemBounds = DEFAULT_BOUNDS
) -> Catalog | None:
    """A catalog with what was said of items since the bundle of this card was made.

    What was said before fills only what the catalog leaves open; what is beyond the bounds is left out.

    Raises:
        StoreError: The store cannot be read.
    """
    listed = CatalogRows(catalog, store.kinds.item_integer)
    states = [state for state in _states(store, bounds) if state.posted or state.item_id in listed]
    if not states:
        return catalog
    rows = changed_rows(listed, states, Known.of(card, store.store_id))
    return rows if listed.catalog is None else listed.catalog.updated(rows)


def _states(store: EventStore, bounds: ItemBounds = DEFAULT_BOUNDS) -> list[ItemState]:
    states = ItemStates()
    states.take(within(ItemChanges(store).every(), bounds, set())[0])
    return list(states)


def id_of_kind(value: Id, integer: bool) -> Id:
    """An id from a file or a command line, as the kind that the shop uses.

    Raises:
        DataError: The shop's ids are integers, and this is none.
    """
    if not integer:
        return str(value)
    try:
        return int(value)
    except ValueError as error:
        raise DataError("this shop's item ids are integers", got=repr(value)) from error


def _with_kind(items: Sequence[Mapping[str, Any]], integer: bool) -> list[dict[str, Any]]:
    return [{**item, ITEM_ID: id_of_kind(item[ITEM_ID], integer)} for item in items]


def _parts(items: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def _read(values: Mapping[str, Any], kind: type[Any]) -> Any:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise DataError(f"the item {values.get(ITEM_ID)!r} is not right", got=str(error)) from error


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> str | float | bool:
    """A value of an attribute as JSON has it; a list becomes a text."""
    if isinstance(value, str | bool | int | float):
        return value
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _said(error: HTTPError) -> dict[str, Any]:
    """What a refusal says."""
    nothing: dict[str, Any] = {"problem": f"status {error.code}", "expected": None, "got": None, "remedy": None}
    try:
        found = json.loads(error.read(100_000))["error"]
        return nothing | {name: found.get(name) for name in nothing}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return nothing
