"""Where new items stand: between the items that their texts are like, else in the middle of their category."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from shopkeeper.data.schema import CATEGORY, CATEGORY_SEPARATOR
from shopkeeper.errors import ShopkeeperError
from shopkeeper.pipeline.item_encoder import NEIGHBORS
from shopkeeper.serving.live_items.states import ItemState
from shopkeeper.types import Float32Array, Id, Int32Array, Int64Array

if TYPE_CHECKING:
    import pyarrow as pa

    from shopkeeper.pipeline.bundle import Bundle

RETRY_SECONDS: Final = 60.0
"""An encoder that failed is not asked again for so long."""
SPARE: Final = 64
"""Vectors of earlier texts that are kept in any case."""
How: TypeAlias = Literal["text", "category", "nothing"]
NO_TEXT: Final = "it has no text with a letter or a digit"
UNLIKE: Final = "its text is like that of no item that the models know"


class Place(NamedTuple):
    """Where one new item stands."""

    how: How
    neighbors: Int32Array
    """int32 [NEIGHBORS]; items of training, nearest first, 0 where there are fewer."""
    weights: Float32Array
    """float32 [NEIGHBORS]."""
    key: bytes | None = None
    """Of the vector of its text, where there is one."""
    note: str | None = None
    """Why it is not placed by its text."""


class Places:
    """Places of new items over one bundle. Not safe to use from several threads at once.

    Args:
        bundle: Whose items they stand between.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._encoder = bundle.encoder
        self._vectors: dict[bytes, Float32Array] = {}
        self._found: dict[Id, Place] = {}
        self._of_category: dict[str, tuple[Int32Array, Float32Array]] = {}
        self._waiting: set[Id] = set()
        self._retry_at = 0.0
        self._problem: str | None = None

    def __getitem__(self, item_id: Id) -> Place:
        """The place of an item that was put."""
        return self._found[item_id]

    @property
    def waiting(self) -> set[Id]:
        """Items that could not be encoded, and may be tried again now; none where nothing can ever be encoded here."""
        hopeless = self._encoder is None or self._encoder.problem is not None
        return set() if hopeless or time.monotonic() < self._retry_at else self._waiting

    def vectors(self, ids: Sequence[Id]) -> Float32Array:
        """Vectors of new items, float32 [n, size]; zeros where an item has none."""
        size = 0 if self._encoder is None else self._encoder.vectors.shape[1]
        vectors = np.zeros((len(ids), size), dtype=np.float32)
        for row, item_id in enumerate(ids):
            key = self._found[item_id].key
            if key is not None:
                vectors[row] = self._vectors[key]
        return vectors

    def encode(self, rows: pa.Table, states: Sequence[ItemState]) -> list[tuple[bytes, bytes] | None]:
        """For each row key and bytes of the vector of its text; None where there is none, or the state brings it."""
        found: list[tuple[bytes, bytes] | None] = []
        for key, state in zip(self._keys(rows, states), states, strict=True):
            fresh = key is not None and key in self._vectors and key not in state.vectors
            found.append((key, self._vectors[key].tobytes()) if fresh and key is not None else None)
        return found

    def put(self, rows: pa.Table, states: Sequence[ItemState]) -> None:
        """Places items anew.

        Args:
            rows: Their rows of the catalog, in the order of the states.
            states: Of items that the bundle does not know.
        """
        keys = self._keys(rows, states)
        near = self._near([key for key in keys if key in self._vectors])
        categories = rows.column(CATEGORY).to_pylist() if CATEGORY in rows.column_names else [None] * len(rows)
        for state, key, category in zip(states, keys, categories, strict=True):
            neighbors, weights = near.get(key, (None, None))
            if neighbors is not None and weights is not None and neighbors[0] > 0:
                self._found[state.item_id] = Place("text", neighbors, weights, key)
            else:
                self._found[state.item_id] = self._by_category(category, key)
            if key is None or key in self._vectors:
                self._waiting.discard(state.item_id)
            else:
                self._waiting.add(state.item_id)
        self._forget()

    def _forget(self) -> None:
        """Drops vectors of texts that items no longer have, once they are more than half of all."""
        if len(self._vectors) > 2 * len(self._found) + SPARE:
            used = {place.key for place in self._found.values()}
            self._vectors = {key: vector for key, vector in self._vectors.items() if key in used}

    def _near(self, keys: Sequence[bytes | None]) -> dict[bytes | None, tuple[Int32Array, Float32Array]]:
        """Neighbors and weights by the key of a vector."""
        if not keys or self._encoder is None:
            return {}
        neighbors, weights = self._encoder.neighbors(np.stack([self._vectors[key] for key in keys if key is not None]))
        return {key: (neighbors[row], weights[row]) for row, key in enumerate(keys)}

    def _note(self, key: bytes | None) -> str | None:
        """Why an item whose text has this key is not placed by it."""
        if self._encoder is None:
            reason = self._bundle.card.newcomers.get("reason")
            return "the bundle has no text encoder" + (f": {reason}" if reason else "")
        if key in self._vectors:
            return UNLIKE
        return NO_TEXT if key is None else self._encoder.problem or self._problem

    def _keys(self, rows: pa.Table, states: Sequence[ItemState]) -> list[bytes | None]:
        """Keys of the texts of rows, None where there is none; what can be encoded has its vector then."""
        encoder = self._encoder
        if encoder is None:
            return [None] * len(rows)
        texts = encoder.texts(rows)
        keys = [None if text is None else encoder.key(text) for text in texts]
        wanted: dict[bytes, str] = {}
        for text, key, state in zip(texts, keys, states, strict=True):
            if text is None or key is None or key in self._vectors:
                continue
            brought = state.vectors.get(key)
            if brought is not None and len(brought) == 4 * encoder.vectors.shape[1]:
                self._vectors[key] = np.frombuffer(brought, dtype=np.float32)
            else:
                wanted[key] = text
        self._encode(wanted)
        return keys

    def _encode(self, wanted: dict[bytes, str]) -> None:
        """Encodes texts; where that fails the items go without for a while."""
        if not wanted or self._encoder is None or self._encoder.problem or time.monotonic() < self._retry_at:
            return
        try:
            vectors = self._encoder.encode(list(wanted.values()))
        except ShopkeeperError as error:
            self._problem = error.problem
            self._retry_at = time.monotonic() + RETRY_SECONDS
            return
        self._vectors.update(zip(wanted, vectors, strict=True))

    def _by_category(self, category: str | None, key: bytes | None) -> Place:
        """In the middle of its category, or of the nearest one above it that has items."""
        path = [] if category is None else str(category).split(CATEGORY_SEPARATOR)
        note, known = self._note(key), key if key in self._vectors else None
        for depth in range(len(path), 0, -1):
            neighbors, weights = self._middle_of(CATEGORY_SEPARATOR.join(path[:depth]))
            if neighbors[0] > 0:
                return Place("category", neighbors, weights, known, note)
        return Place("nothing", np.zeros(NEIGHBORS, np.int32), np.zeros(NEIGHBORS, np.float32), known, note)

    def _middle_of(self, category: str) -> tuple[Int32Array, Float32Array]:
        """Items of a category, from its most popular to its least, evenly spread; each counts the same."""
        found = self._of_category.get(category)
        if found is None:
            inside = np.flatnonzero(self._bundle.pipeline.facts.in_category(category)[1:]) + 1
            order = inside[np.argsort(-self._counts[inside], kind="stable")]
            n = min(NEIGHBORS, len(order))
            neighbors, weights = np.zeros(NEIGHBORS, np.int32), np.zeros(NEIGHBORS, np.float32)
            neighbors[:n] = order[np.linspace(0, len(order) - 1, n).round().astype(int)] if n else 0
            weights[:n] = 1 / max(n, 1)
            found = self._of_category[category] = neighbors, weights
        return found

    @cached_property
    def _counts(self) -> Int64Array:
        return self._bundle.pipeline.train.item_counts()
