"""Recommends for many shoppers, batch by batch, into one Parquet file."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shopkeeper.data.hiding import Hide
from shopkeeper.data.schema import USER_ID
from shopkeeper.errors import ArtifactError, DataError
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender
from shopkeeper.types import Id

if TYPE_CHECKING:
    import pyarrow as pa

USERS_A_BATCH = 4096


@dataclass(frozen=True)
class Hidden:
    """What a caller says of hiding.

    Attributes:
        hide: Which of a shopper's own items do not come out; None does what the training data suggest.
        days: Days after which they may come out again.
    """

    hide: Hide | None = None
    days: float | None = None


def read_user_ids(file: Path, recommender: Recommender) -> list[Id]:
    """Reads shoppers from a text file, one id a line; empty lines are skipped.

    Raises:
        DataError: The file cannot be read, names nobody, or holds a line that cannot be an id of this log.
    """
    try:
        lines = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot read {file}", expected="a text file with one user id a line", got=str(error)
        ) from error
    known = recommender.memory.users
    users: list[Id] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        user = known.parse(line)  # blanks may belong to an id
        if user not in known and known.parse(line.strip()) in known:
            user = known.parse(line.strip())
        if known.is_integer and not isinstance(user, int):
            raise DataError(f"{file}, line {number} is no user id of this log", expected="an integer", got=repr(user))
        users.append(user)
    if not users:
        raise DataError(f"{file} names no user", expected="one user id a line")
    return users


def unknown_users(recommender: Recommender, users: Sequence[Id]) -> list[Id]:
    """Those of some users of whom nothing is known, in their order; they are answered as new ones."""
    known = recommender.memory.users
    return [user for user, index in zip(users, known.indices(list(users)).tolist(), strict=True) if not index]


def recommend_to_file(
    recommender: Recommender,
    users: Sequence[Id] | None,
    k: int,
    file: Path,
    progress: Progress | None = None,
    exclude: Sequence[Id] = (),
    said: Hidden | None = None,
) -> int:
    """Writes recommendations as a long Parquet table; memory grows with the batch, not with the shoppers.

    Args:
        recommender: A fitted model.
        users: Who; None takes every shopper that the model remembers.
        k: Items a shopper.
        file: Written whole or not at all: columns user_id, rank, item_id, score, source, and known: whether anything is
            known of the user.
        progress: Told after each batch.
        exclude: Items that must not come out.
        said: What is hidden of the shoppers' own items; None does what the training data suggest.

    Returns:
        Number of rows written.

    Raises:
        ArtifactError: The file cannot be written.
    """
    import pyarrow.parquet as pq

    total = len(recommender.memory.users) if users is None else len(users)
    temporary = file.with_name(f".{file.name}.writing-{uuid.uuid4().hex[:8]}")
    rows = 0
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if progress:
            progress.start("recommending", total)
        writer: pq.ParquetWriter | None = None
        for table, answered in _tables(recommender, users, total, k, exclude, said or Hidden()):
            writer = writer or pq.ParquetWriter(temporary, table.schema, compression="zstd")
            writer.write_table(table)
            rows += table.num_rows
            if progress:
                progress.advance(answered)
        if writer is not None:
            writer.close()
        temporary.chmod(0o600)
        temporary.replace(file)
        if progress:
            progress.finish()
    except OSError as error:
        raise ArtifactError(f"cannot write {file}", got=str(error), remedy="check space and permissions") from error
    finally:
        temporary.unlink(missing_ok=True)
    return rows


def _tables(
    recommender: Recommender, users: Sequence[Id] | None, total: int, k: int, exclude: Sequence[Id], said: Hidden
) -> Iterator[tuple[pa.Table, int]]:
    import pyarrow as pa

    known = recommender.memory.users.arrow
    for start in range(0, total, USERS_A_BATCH):
        stop = min(start + USERS_A_BATCH, total)
        batch = known.slice(start, stop - start).to_pylist() if users is None else users[start:stop]
        found = recommender.recommend(batch, k=k, exclude=exclude, hide=said.hide, hide_after=said.days)
        table = found.to_arrow()
        there = pa.array(recommender.memory.users.indices(table.column(USER_ID)) > 0)
        yield table.append_column("known", there), stop - start
