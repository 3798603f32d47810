"""The prepared log: integer-coded, sorted by shopper and time, memory-mapped from a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter, open_artifact, write_artifact
from shopkeeper.data.histories import Histories
from shopkeeper.data.netting import UNSETTLED, settled
from shopkeeper.data.placements import seen_placements, with_placements
from shopkeeper.data.schema import EVENT_TYPES, EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Float32Array, Float64Array, Id, Int32Array, Int64Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from shopkeeper.data.catalog import Catalog
    from shopkeeper.data.hiding import HidingPolicy

KIND = "dataset"
COLUMNS = ("quantity", "price", "session_index")


@dataclass(frozen=True)
class Dataset:
    """Events of all shoppers as integers.

    Attributes:
        users: Ids of shoppers; shopper of index u has the place u - 1 in `histories`.
        items: Ids of items.
        histories: Events of every shopper, oldest first, in the order of `users`.
        quantity: float32 [events] or None; units bought.
        price: float64 [events] or None; price of one unit. One of before is float32.
        session_index: int32 [events] or None; equal within a session, ascending with first appearance.
        placements: Names of the codes in `histories.placement`, or None where no placement is known.
        catalog: What is known of the items, or None.
        facts: What `prepare` recorded of the origin: settings, counts, hashes. Plain JSON.
    """

    users: Vocabulary
    items: Vocabulary
    histories: Histories
    quantity: Float32Array | None = None
    price: Float64Array | None = None
    session_index: Int32Array | None = None
    placements: Vocabulary | None = None
    catalog: Catalog | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.histories) != len(self.users):
            raise DataError(
                "histories and users differ in number",
                expected=f"{len(self.users)} histories",
                got=str(len(self.histories)),
            )

    @property
    def n_users(self) -> int:
        """Number of shoppers."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """Number of items; indices run from 1 to this number."""
        return len(self.items)

    @property
    def n_events(self) -> int:
        """Number of events."""
        return self.histories.n_events

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 over ids and events, in hexadecimal: the same hash means the same data."""
        digest = hashlib.sha256()
        vocabularies = (self.users, self.items, self.placements)
        for vocabulary in (one for one in vocabularies if one is not None):
            for text in ("\n".join(map(str, vocabulary.arrow.to_pylist())), vocabulary.kind):
                digest.update(text.encode())
        arrays = (self.histories.offsets, self.histories.item_index, self.histories.event_type,
                  self.histories.timestamp, self.quantity, self.price, self.session_index)  # fmt: skip
        for values in arrays:
            digest.update(b"-" if values is None else np.ascontiguousarray(values).data)
        if self.histories.placement is not None:
            digest.update(np.ascontiguousarray(self.histories.placement).data)
        return digest.hexdigest()

    @cached_property
    def settled(self) -> Histories:
        """What still says that a shopper wants an item.

        Left out are impressions, what was sent back or taken out of the cart, and what took it (see `netting`); where
        there is none of that, these are the histories themselves.
        """
        histories = self.histories
        if not UNSETTLED[np.asarray(histories.event_type)].any():
            return histories
        pair = histories.rows << 32 | np.asarray(histories.item_index)
        quantity = None if self.quantity is None else np.asarray(self.quantity)
        return histories.where(settled(pair, np.asarray(histories.event_type), quantity))

    @cached_property
    def learned_hiding(self) -> HidingPolicy:
        """What repeats in these histories suggest to hide; see `HidingPolicy.learned`."""
        from shopkeeper.data.hiding import HidingPolicy

        return HidingPolicy.learned(self)

    def interaction_matrix(self, weights: dict[EventType, float] | None = None) -> csr_array[Any, tuple[int, int]]:
        """Shoppers x items with the sum of event weights.

        Args:
            weights: Weight of each event type; None counts each type as 1. Types left out count 0.

        Returns:
            float32 [n_users, n_items + 1]; row = user_index - 1, column = item_index; column 0 is empty.
        """
        from scipy.sparse import csr_array

        by_code = np.ones(len(EVENT_TYPES) + 1, dtype=np.float32)
        if weights is not None:
            by_code[:] = 0
            for event_type, weight in weights.items():
                by_code[event_type.code] = weight
        values = by_code[self.histories.event_type]
        matrix = csr_array(
            (values, np.asarray(self.histories.item_index), np.asarray(self.histories.offsets)),
            shape=(self.n_users, self.n_items + 1),
            copy=True,  # the next steps work in place, on what may be a read-only map of the file
        )
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return matrix

    def select(self, keep: BoolArray) -> Dataset:
        """Only the events for which `keep` (bool [events]) is true. Users and items keep their indices."""
        extra = {name: values[keep] for name in COLUMNS if (values := getattr(self, name)) is not None}
        return replace(self, histories=self.histories.where(keep), **extra)

    def compact(self) -> Dataset:
        """Without the users, items, sessions and placements of no event; others get new indices in the same order."""
        used_users = np.flatnonzero(self.histories.lengths > 0)
        present = np.zeros(self.n_items + 1, dtype=bool)
        present[self.histories.item_index] = True
        present[0] = False
        used_items = np.flatnonzero(present)
        new_index = np.zeros(self.n_items + 1, dtype=np.int32)
        new_index[used_items] = np.arange(1, len(used_items) + 1)
        offsets = np.concatenate([[0], np.cumsum(self.histories.lengths[used_users])]).astype(np.int64)
        sessions = self.session_index
        placements = seen_placements(self.histories, self.placements)
        histories = with_placements(self.histories, self.placements, placements)
        return replace(
            self,
            session_index=None if sessions is None else np.unique(sessions, return_inverse=True)[1].astype(np.int32),
            users=Vocabulary(self.users.arrow.take(used_users)),
            items=Vocabulary(self.items.arrow.take(used_items - 1)),
            placements=placements,
            histories=replace(histories, offsets=offsets, item_index=new_index[self.histories.item_index]),
        )

    def in_items(self, items: Vocabulary, placements: Vocabulary | None = None) -> Dataset:
        """The same events in the indices of another item vocabulary; events of items that it lacks are left out.

        Where a vocabulary of placements is given too, those that it lacks are not known.
        """
        new_index = np.concatenate([[0], items.indices(self.items.arrow)]).astype(np.int32)
        histories, names = self.histories, self.placements
        if placements is not None and names is not None:
            histories, names = with_placements(histories, names, placements), placements
        histories = replace(histories, item_index=new_index[histories.item_index])
        mapped = replace(self, items=items, placements=names, histories=histories)
        return mapped.select(mapped.histories.item_index > 0)

    def with_items(self, ids: Iterable[Id], catalog: Catalog | None = None) -> Dataset:
        """With items that have no event here, behind the others.

        Args:
            ids: Of the new items, in the order of their indices.
            catalog: What is known of all items then; None keeps the one that is there.

        Raises:
            DataError: An id is known, repeated, missing, or of another kind.
        """
        return replace(self, items=self.items.extended(ids), catalog=self.catalog if catalog is None else catalog)

    def without_events(self) -> Dataset:
        """Only the ids: every history is empty, and the catalog is left out."""
        empty = self.select(np.zeros(self.n_events, dtype=bool))
        return replace(empty, catalog=None)

    def save(self, folder: Path) -> None:
        """Writes the artifact folder, atomically.

        Raises:
            ArtifactError: The place is taken by something else or the disk refuses.
        """
        with write_artifact(folder, KIND) as writer:
            self.write(writer)

    def write(self, writer: ArtifactWriter) -> None:
        """Writes the files into a folder of an artifact."""
        import pyarrow as pa

        for name in ("users", "items", "placements"):
            if (vocabulary := getattr(self, name)) is not None:
                writer.table(f"{name}.parquet", pa.table({"id": vocabulary.arrow}))
        for name in ("offsets", "item_index", "event_type", "timestamp", "placement"):
            if (values := getattr(self.histories, name)) is not None:
                writer.array(f"{name}.npy", values)
        for name in COLUMNS:
            if (values := getattr(self, name)) is not None:
                writer.array(f"{name}.npy", values)
        if self.catalog is not None:
            writer.table("catalog.parquet", self.catalog.table)
        writer.json("facts.json", self.facts)

    @staticmethod
    def open(folder: Path) -> Dataset:
        """Opens a dataset folder; arrays are memory-mapped, so memory grows with what is touched.

        Raises:
            ArtifactError: There is none, or it is damaged.
        """
        return Dataset.read(open_artifact(folder, KIND, verify="size"))

    @staticmethod
    def read(reader: ArtifactReader) -> Dataset:
        """Reads the files from a folder of an opened artifact."""
        from shopkeeper.data.catalog import Catalog

        histories = Histories(
            offsets=np.asarray(reader.array("offsets.npy")),
            item_index=reader.array("item_index.npy"),
            event_type=reader.array("event_type.npy"),
            timestamp=reader.array("timestamp.npy"),
            placement=reader.array("placement.npy") if reader.has("placement.npy") else None,
        )
        placed = reader.has("placements.parquet")
        extra = {name: reader.array(f"{name}.npy") for name in COLUMNS if reader.has(f"{name}.npy")}
        return Dataset(
            users=Vocabulary.in_order(reader.table("users.parquet").column("id")),
            items=Vocabulary.in_order(reader.table("items.parquet").column("id")),
            histories=histories,
            placements=Vocabulary.in_order(reader.table("placements.parquet").column("id")) if placed else None,
            catalog=Catalog(reader.table("catalog.parquet")) if reader.has("catalog.parquet") else None,
            facts=reader.json("facts.json"),
            **extra,
        )

    def item_counts(self) -> Int64Array:
        """Number of events of each item, int64 [n_items + 1]; place 0 is 0."""
        return np.bincount(self.histories.item_index, minlength=self.n_items + 1).astype(np.int64)

    def history_of(self, user_index: Int32Array) -> Histories:
        """Settled histories of the shoppers of these indices (int32 [n]); index 0 gives an empty one."""
        known = np.asarray(user_index) > 0
        taken = self.settled.take(np.asarray(user_index)[known].astype(np.int64) - 1)
        lengths = np.zeros(len(user_index), dtype=np.int64)
        lengths[known] = taken.lengths
        return replace(taken, offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
