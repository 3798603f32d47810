"""Forgets a user in the event store and in files, and proves it; and writes down all that is kept of one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shopkeeper.artifacts import write_text_atomic
from shopkeeper.data import schema
from shopkeeper.jobs.erasure import Erasure
from shopkeeper.jobs.searching_ids import files_with
from shopkeeper.serving.event_store.records import Deleted, user_digest
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.types import Id

READABLE: Final = 0o600
"""What is kept of a person is for the eyes of whoever asked for it."""


@dataclass(frozen=True)
class Forgotten:
    """What was done.

    Attributes:
        deleted: Rows of the store.
        erased: Artifacts and files that were written anew without the user.
        left: Files that still hold the id.
    """

    deleted: Deleted
    erased: Sequence[Path]
    left: Sequence[Path]


def forget_user(store: EventStore, user_id: Id, paths: Sequence[Path] = ()) -> Forgotten:
    """Deletes a user from a store, whose tables are written anew, and from files; then searches these for the id.

    Args:
        store: An open store.
        user_id: As the shop has it.
        paths: Files and folders.

    Raises:
        DataError: The id is not of the shop's kind.
        StoreError: The store refuses.
        ArtifactError: A file cannot be changed.
    """
    deleted = store.delete_user(user_id)
    store.vacuum(whole=True)
    own = [] if store.file is None else [store.file]
    erased = [changed for path in paths for changed in Erasure([user_id], own).below(path)]
    left = [file for path in paths for file in files_with(user_id, path)]
    return Forgotten(deleted, erased, left)


def forgotten_users(store: EventStore, ids: Sequence[Id], since: int = 0) -> list[Id]:
    """Those of some users who were forgotten after a deletion.

    Args:
        store: Tells who was.
        ids: Of users.
        since: The number of the deletion.
    """
    digests = {deletion.user_digest for deletion in store.deletions_after(since)}
    return [user for user in ids if user_digest(store.store_id, user) in digests] if digests else []


def write_user(store: EventStore, user_id: Id, out: Path, paths: Sequence[Path] = ()) -> dict[str, Any]:
    """Writes all that is kept of a user as JSON: events and answers of the store, and rows of files.

    Args:
        store: An open store.
        user_id: As the shop has it.
        out: The file; its owner alone may read it.
        paths: Files and folders, such as the bundle's; tables of events in Parquet are read.

    Returns:
        What was written.

    Raises:
        DataError: The id is not of the shop's kind.
        StoreError: The store cannot be read.
        ArtifactError: The file cannot be written.
    """
    kept: dict[str, Any] = {schema.USER_ID: user_id, **store.rows_of(user_id)}
    tables = [file for path in paths for file in files_with(user_id, path)]
    kept["files"] = {str(file): list(_rows(file, user_id)) for file in tables}
    write_text_atomic(out, json.dumps(kept, indent=2, ensure_ascii=False, default=str) + "\n", READABLE)
    return kept


def _rows(file: Path, user_id: Id) -> Iterator[dict[str, Any]]:
    """Rows of a table of events; none of another file, which is named all the same."""
    import pyarrow.parquet as pq

    if file.suffix != ".parquet":
        return
    with pq.ParquetFile(file) as table:
        if schema.USER_ID in table.schema_arrow.names:
            for batch in table.iter_batches():
                yield from (row for row in batch.to_pylist() if row[schema.USER_ID] == user_id)
