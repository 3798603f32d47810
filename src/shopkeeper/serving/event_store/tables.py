"""The tables of the event store. Ids are text; which of them are integers stands in the one row of `store`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

from shopkeeper.data import schema
from shopkeeper.serving.event_store.records import LATENCY_BOUNDS_MS

VERSION: Final = 1
"""Version of these tables; a store of a newer one is refused."""
BUCKETS: Final = tuple(f"bucket_{place:02d}" for place in range(len(LATENCY_BOUNDS_MS) + 1))
"""Columns of the histogram of latencies, one for each bucket."""

metadata: Final = MetaData()
_number: Final = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself only in this type

store: Final = Table(
    "store",
    metadata,
    Column("one", Integer, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
    Column("store_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("user_integer", Boolean, nullable=False),
    Column("item_integer", Boolean, nullable=False),
)

events: Final = Table(
    "events",
    metadata,
    Column("sequence", _number, primary_key=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column(schema.USER_ID, Text, nullable=False),
    Column(schema.ITEM_ID, Text, nullable=False),
    Column(schema.EVENT_TYPE, Text, nullable=False),
    Column(schema.TIMESTAMP, BigInteger, nullable=False),
    Column(schema.SESSION_ID, Text),
    Column(schema.QUANTITY, Float(53)),
    Column(schema.PRICE, Float(53)),
    Column(schema.PLACEMENT, Text),
    Column(schema.RECOMMENDATION_ID, Text),
    Column(schema.POSITION, BigInteger),
    sqlite_autoincrement=True,  # the number of a deleted row is never given again
)
Index("events_by_user", events.c[schema.USER_ID], events.c[schema.TIMESTAMP])
Index("events_by_time", events.c[schema.TIMESTAMP])

deletions: Final = Table(
    "deletions",
    metadata,
    Column("number", _number, primary_key=True),
    Column("user_digest", LargeBinary, nullable=False),
    Column("after_sequence", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

item_changes: Final = Table(
    "item_changes",
    metadata,
    Column("number", _number, primary_key=True),
    Column(schema.ITEM_ID, Text, nullable=False),
    Column(schema.TIMESTAMP, BigInteger, nullable=False),
    Column("facts", Text, nullable=False),  # a JSON object: column of the catalog to value
    Column("vector", LargeBinary),
    Column("vector_of", LargeBinary),
    sqlite_autoincrement=True,
)
Index("item_changes_by_item", item_changes.c[schema.ITEM_ID])

answers: Final = Table(
    "answers",
    metadata,
    Column(schema.RECOMMENDATION_ID, Text, primary_key=True),
    Column(schema.USER_ID, Text),
    Column(schema.TIMESTAMP, BigInteger, nullable=False),
    Column(schema.PLACEMENT, Text),
    Column("model", Text, nullable=False),
    Column("item_ids", Text, nullable=False),  # a JSON array, best first
    Column("sources", Text, nullable=False),  # a JSON array of the same length
    Column("n_items", Integer, nullable=False),
    Column("fallback", Integer, nullable=False),
)
Index("answers_by_user", answers.c[schema.USER_ID])
Index("answers_by_time", answers.c[schema.TIMESTAMP])

traffic: Final = Table(
    "traffic",
    metadata,
    Column("minute", BigInteger, primary_key=True),
    Column("worker", Text, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("milliseconds", Float(53), nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in BUCKETS),
)
