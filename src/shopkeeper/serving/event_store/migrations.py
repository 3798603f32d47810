"""Stores of older versions, brought up to the tables of this one when they are opened."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, text

from shopkeeper.serving.event_store import rollups, tables


def migrate(connection: Connection, version: int) -> None:
    """Brings an older store up to date, in the transaction of its caller; one of this version stays as it is.

    Args:
        connection: A writing transaction.
        version: Of the tables that are there.
    """
    if not connection.dialect.has_table(connection, tables.item_changes.name):  # from before items changed
        tables.item_changes.create(connection)
    if version < 2:
        _add_rollups(connection)
    if version < 3:
        _add_epoch(connection)
    if version < tables.VERSION:
        connection.execute(text("UPDATE store SET version = :version"), {"version": tables.VERSION})


def _add_rollups(connection: Connection) -> None:
    """Sums are kept beside the rows. What is there already is counted by and by, like what comes."""
    _add_column(connection, "answers", "level INTEGER")
    _add_column(connection, "store", "counted_sequence BIGINT NOT NULL DEFAULT 0")
    _add_column(connection, "store", "pruned_before BIGINT NOT NULL DEFAULT 0")
    tables.answers_uncounted.create(connection)
    for table in (
        tables.event_counts, tables.answer_counts, tables.item_counts, tables.responses, tables.touched,
        tables.traffic_hours,
    ):  # fmt: skip
        table.create(connection)
    rollups.reset(connection)


def _add_epoch(connection: Connection) -> None:
    """Going back to an older backup is noticed from now on."""
    _add_column(connection, "store", "pruned_sequence BIGINT NOT NULL DEFAULT 0")
    _add_column(connection, "store", "epoch TEXT NOT NULL DEFAULT ''")
    tables.marks.create(connection)
    connection.execute(text("UPDATE store SET epoch = :epoch"), {"epoch": str(uuid.uuid4())})


def _add_column(connection: Connection, table: str, column: str) -> None:
    connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column}"))
