"""Takes users out of files: bundles, prepared datasets, logs in Parquet, findings in JSON, backups and other stores.

An artifact is written anew and takes its own place in one step. What its models learned from a user stays in them as
numbers without a name until the next training; rows, histories and ids are gone.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shopkeeper.artifacts import MANIFEST, write_artifact, write_text_atomic
from shopkeeper.data import schema
from shopkeeper.errors import ArtifactError, StoreError
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.types import Id

if TYPE_CHECKING:
    import pyarrow as pa

SQLITE: Final = b"SQLite format 3\x00"
USERS: Final = "users.parquet"
OFFSETS: Final = "offsets.npy"
CARD: Final = "card.json"


@dataclass(frozen=True)
class Erasure:
    """Who is to be taken out.

    Attributes:
        users: Ids as the shop has them.
        skip: Files that stay as they are, such as that of the store which forgot them already.
    """

    users: Collection[Id]
    skip: Collection[Path] = ()
    _names: dict[Id, Id] = field(default_factory=dict)

    def below(self, path: Path) -> list[Path]:
        """Takes the users out of a file, or out of all that Shopkeeper reads or writes below a folder.

        Returns:
            The artifacts and files that were written anew.

        Raises:
            ArtifactError: A file cannot be read or written.
            StoreError: A store cannot.
        """
        skipped = {one.resolve() for one in self.skip}
        found = [one for one in _artifacts_and_files(path) if one.resolve() not in skipped]
        return [one for one in found if self._erase(one)]

    def _erase(self, found: Path) -> bool:
        try:
            if found.is_dir():
                return self._artifact(found)
            if found.suffix == ".parquet":
                return self._rows(found) > 0
            if found.suffix == ".json":
                return self._json(found)
            return is_sqlite(found) and self._store(found)
        except OSError as error:
            raise ArtifactError(f"{found} cannot be changed", got=str(error), remedy="check the rights") from error

    def _artifact(self, folder: Path) -> bool:
        """Writes an artifact anew where it holds one of the users."""
        if not any(self._holds(file) for file in folder.rglob("*.parquet")):
            return False
        kind = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["kind"]
        with write_artifact(folder, kind) as writer:
            shutil.copytree(folder, writer.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
            events = [self._histories(file) for file in writer.path.rglob(USERS) if self._holds(file)]
            log = writer.path / "log.parquet"
            rows = self._rows(log) if log.exists() else max(events, default=0)
            if (card := writer.path / CARD).exists():
                _count_less(card, rows)
            for file in writer.path.rglob("*.parquet"):
                if file.name != USERS and file != log:
                    self._rows(file)
        return True

    def _histories(self, file: Path) -> int:
        """Empties the histories of the users beside a file of ids, and gives them ids that nobody has."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pq.read_table(file)
        gone = self._are_of(table.column("id"))
        ids = [
            self._nobody(value) if out else value
            for value, out in zip(table.column("id").to_pylist(), gone, strict=True)
        ]
        pq.write_table(pa.table({"id": pa.array(ids, table.schema.field("id").type)}), file, compression="zstd")
        offsets_file = file.with_name(OFFSETS)
        if not offsets_file.exists():
            return 0
        offsets = np.load(offsets_file, allow_pickle=False)
        lengths = np.diff(offsets)
        kept = np.repeat(~gone, lengths)
        for values_file in file.parent.glob("*.npy"):
            values = np.load(values_file, allow_pickle=False)
            if values_file != offsets_file and values.shape[:1] == kept.shape:
                np.save(values_file, values[kept], allow_pickle=False)
        shorter = np.concatenate([[0], np.cumsum(np.where(gone, 0, lengths))]).astype(offsets.dtype)
        np.save(offsets_file, shorter, allow_pickle=False)
        return int(len(kept) - kept.sum())

    def _nobody(self, value: Id) -> Id:
        """An id of the same kind that belongs to nobody, the same wherever a user stood."""
        name = -1 - secrets.randbelow(2**62) if isinstance(value, int) else f"forgotten-{secrets.token_hex(8)}"
        return self._names.setdefault(value, name)

    def _rows(self, file: Path) -> int:
        """Rows of the users in a table with a column of user ids, which are taken out; gives their number."""
        import pyarrow.parquet as pq

        if not self._holds(file):
            return 0
        temporary = file.with_name(f".{file.name}.writing-{secrets.token_hex(4)}")
        removed = 0
        try:
            with (
                pq.ParquetFile(file) as read,
                pq.ParquetWriter(temporary, read.schema_arrow, compression="zstd") as out,
            ):
                for batch in read.iter_batches():
                    gone = self._are_of(batch.column(schema.USER_ID))
                    out.write_batch(batch.filter(~gone))
                    removed += int(gone.sum())
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
        return removed

    def _holds(self, file: Path) -> bool:
        """Whether a table names one of the users."""
        import pyarrow.parquet as pq

        column = "id" if file.name == USERS else schema.USER_ID
        with pq.ParquetFile(file) as read:
            if column not in read.schema_arrow.names:
                return False
            return any(self._are_of(batch.column(column)).any() for batch in read.iter_batches(columns=[column]))

    def _are_of(self, ids: pa.Array) -> Any:
        """Which ids are those of the users, bool [n]."""
        import pyarrow as pa
        import pyarrow.compute as pc

        integer = pa.types.is_integer(ids.type)
        wanted = [user for user in self.users if isinstance(user, int) == integer]
        found = pc.is_in(ids, value_set=pa.array(wanted, ids.type))
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool) if len(ids) else np.zeros(0, dtype=bool)

    def _json(self, file: Path) -> bool:
        """Objects with the id of one of the users lose it, as in the examples of findings."""
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError):
            return False
        without = self._without(content)
        if without == content:
            return False
        write_text_atomic(file, json.dumps(without, indent=2, ensure_ascii=False) + "\n")
        return True

    def _without(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            kept = {name: self._without(one) for name, one in value.items()}
            return kept | ({schema.USER_ID: None} if value.get(schema.USER_ID) in self.users else {})
        return [self._without(one) for one in value] if isinstance(value, list) else value

    def _store(self, file: Path) -> bool:
        """Forgets the users in a backup, or in another store."""
        try:
            store = EventStore.open(file)
        except StoreError:
            return False  # a database of somebody else
        try:
            known = [user for user in self.users if isinstance(user, int) == store.kinds.user_integer]
            deleted = [store.delete_user(user) for user in known if store.holds(user)]
            if deleted:
                store.vacuum(whole=True)
            return bool(deleted)
        finally:
            store.close()


def is_sqlite(file: Path) -> bool:
    """Whether a file is a database of SQLite."""
    with file.open("rb") as stream:
        return stream.read(len(SQLITE)) == SQLITE


def _artifacts_and_files(path: Path) -> Iterator[Path]:
    """Artifacts as wholes, and files that belong to none."""
    if path.is_dir() and not (path / MANIFEST).exists():
        for inner in sorted(path.iterdir()):
            if not inner.is_symlink():
                yield from _artifacts_and_files(inner)
    elif path.exists():
        yield path


def _count_less(card: Path, rows: int) -> None:
    """The card of a bundle counts the events that are left."""
    content = json.loads(card.read_text(encoding="utf-8"))
    if "events" in content.get("data", {}):
        content["data"]["events"] = max(0, int(content["data"]["events"]) - rows)
    card.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
