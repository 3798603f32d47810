"""A bundle with the items as they are now: facts that changed, items that came, items that went.

It is computed anew from the bundle each time, so that nothing piles up however often items change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.categories import CategoryFormat
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.recommenders.newcomers import Newcomers
from shopkeeper.serving.event_store.item_changes import ItemChange
from shopkeeper.serving.live_items.places import Place, Places
from shopkeeper.serving.live_items.rows import CatalogRows, changed_rows
from shopkeeper.serving.live_items.states import ItemState, Known
from shopkeeper.types import Id, Int32Array


@dataclass(frozen=True)
class Stand:
    """What is to be served.

    Attributes:
        bundle: With a pipeline that knows the new items.
        n_new: Their number.
        removed: int32 [n]; items that must not come out.
    """

    bundle: Bundle
    n_new: int
    removed: Int32Array


class Outcome(NamedTuple):
    """What became of a change."""

    item_id: Id
    place: Place | None
    """Where a new item stands; None for one that the bundle knows."""
    like: list[Id]
    """The items of the bundle that it is most like."""


class Shelf:
    """The items over one bundle. Not safe to use from several threads at once.

    Args:
        bundle: As it was trained.
        store_id: Of the event store whose changes come.
        unsold: Take items of the catalog that the models do not know as if they had been posted.
    """

    def __init__(self, bundle: Bundle, store_id: str, unsold: bool = False) -> None:
        self._bundle = bundle
        self._known = Known.of(bundle.card, store_id)
        self._places = Places(bundle)
        self._known_rows = CatalogRows(bundle.catalog, bundle.pipeline.train.items.is_integer)
        self._catalog = self._known_rows.catalog
        self._new: dict[Id, ItemState] = {}
        self._removed: set[Id] = set()
        if unsold:
            items = bundle.pipeline.train.items
            listed = (item_id for item_id in self._known_rows if item_id not in items)
            self.take([ItemState(item_id, posted=True) for item_id in listed])

    @property
    def columns(self) -> list[str]:
        """Columns of the catalog as it is now."""
        return [] if self._catalog is None else self._catalog.table.column_names

    @property
    def category_format(self) -> CategoryFormat:
        """How the shop writes categories."""
        return self._known_rows.category_names.format

    @property
    def waiting(self) -> list[ItemState]:
        """Items whose text should be tried again now."""
        return [self._new[item_id] for item_id in self._places.waiting]

    def __contains__(self, item_id: Id) -> bool:
        """Whether an item is there and was not taken out."""
        return (item_id in self._new or item_id in self._bundle.pipeline.train.items) and item_id not in self._removed

    def take(self, states: Sequence[ItemState]) -> None:
        """Takes in states of distinct items that changed."""
        if not states:
            return
        rows = self._rows(states)
        merged = rows if self._catalog is None else self._catalog.updated(rows)
        self._catalog = Catalog(merged.table.combine_chunks(), merged.facts)
        places = self._newcomers(states)
        if places:
            self._places.put(rows.table.take(places), [states[place] for place in places])
        self._new |= {states[place].item_id: states[place] for place in places}
        for state in states:
            (self._removed.add if state.removed else self._removed.discard)(state.item_id)

    def with_vectors(self, changes: Sequence[ItemChange], drafts: Sequence[ItemState]) -> list[ItemChange]:
        """Changes with the vectors of new items, whose states will be these."""
        distinct = list({draft.item_id: draft for draft in drafts}.values())
        new = [distinct[place] for place in self._newcomers(distinct)]
        if not new:
            return list(changes)
        found = self._places.encode(self._rows(new).table, new)
        vectors = {state.item_id: pair for state, pair in zip(new, found, strict=True) if pair is not None}
        return [
            change._replace(vector_of=pair[0], vector=pair[1])
            if (pair := vectors.pop(change.item_id, None))
            else change
            for change in reversed(changes)
        ][::-1]

    def outcome(self, item_id: Id) -> Outcome:
        """What became of an item that changed."""
        if item_id not in self._new:
            return Outcome(item_id, None, [])
        place = self._places[item_id]
        near = place.neighbors[place.neighbors > 0][:3] if place.how == "text" else place.neighbors[:0]
        return Outcome(item_id, place, self._bundle.pipeline.train.items.ids(near))

    def stand(self) -> Stand:
        """All of it over the bundle."""
        base, catalog = self._bundle, self._catalog
        if catalog is None or catalog is self._known_rows.catalog:
            return Stand(base, 0, np.zeros(0, dtype=np.int32))
        pipeline = self._pipeline(catalog)
        items = pipeline.train.items
        removed = items.indices(list(self._removed)) if self._removed else np.zeros(0, dtype=np.int32)
        _ = pipeline.facts, items.index(0)  # made here, so that the first question does not wait for them
        bundle = replace(base, pipeline=pipeline)
        return Stand(bundle, len(self._new), removed[removed > 0])

    def _pipeline(self, catalog: Catalog) -> Pipeline:
        base = self._bundle.pipeline
        if not self._new:
            return base.with_catalog(catalog)
        ids = list(self._new)
        places = [self._places[item_id] for item_id in ids]
        encoder = self._bundle.encoder
        newcomers = Newcomers(
            base.train.with_items(ids, catalog),
            np.stack([place.neighbors for place in places]),
            np.stack([place.weights for place in places]),
            self._places.vectors(ids) if encoder is not None and encoder.feeds_models else None,
        )
        return base.with_newcomers(newcomers)

    def _rows(self, states: Sequence[ItemState]) -> Catalog:
        made = None if self._catalog is None else self._catalog.table.schema
        return changed_rows(self._known_rows, states, self._known, made)

    def _newcomers(self, states: Sequence[ItemState]) -> list[int]:
        """Places of the states whose items the bundle does not know, and that were posted."""
        items = self._bundle.pipeline.train.items
        return [
            place
            for place, state in enumerate(states)
            if (state.posted or state.item_id in self._new) and state.item_id not in items
        ]
