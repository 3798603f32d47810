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

VERSION: Final = 3
"""Version of these tables; a store of an older one is brought up to it, one of a newer is refused."""
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
    Column("counted_sequence", BigInteger, nullable=False, server_default="0"),  # events up to it are in the roll-ups
    Column("pruned_before", BigInteger, nullable=False, server_default="0"),  # older answers and traffic were deleted
    Column("pruned_sequence", BigInteger, nullable=False, server_default="0"),  # the highest of an event that aged out
    Column("epoch", Text, nullable=False, server_default=""),  # another one begins at each restore
)

marks: Final = Table(  # positions that bundles and exports are at; a store without one went back behind it
    "marks",
    metadata,
    Column("mark", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    sqlite_with_rowid=False,
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
    Column("level", Integer),  # how far it led: 0 nothing, 1 clicked, 2 in the cart, 3 bought; null: not counted yet
)
Index("answers_by_user", answers.c[schema.USER_ID])
Index("answers_by_time", answers.c[schema.TIMESTAMP])
answers_uncounted: Final = Index(
    "answers_uncounted",
    answers.c[schema.RECOMMENDATION_ID],
    sqlite_where=answers.c.level.is_(None),
    postgresql_where=answers.c.level.is_(None),
)

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

# Roll-ups: sums that `rollups` keeps beside the rows. `minutes` is the length of a bucket, `bucket` its number.

event_counts: Final = Table(
    "event_counts",
    metadata,
    Column("minutes", Integer, primary_key=True, autoincrement=False),
    Column("bucket", BigInteger, primary_key=True, autoincrement=False),
    Column(schema.EVENT_TYPE, Text, primary_key=True),
    Column("events", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

answer_counts: Final = Table(
    "answer_counts",
    metadata,
    Column("minutes", Integer, primary_key=True, autoincrement=False),
    Column("bucket", BigInteger, primary_key=True, autoincrement=False),
    Column(schema.PLACEMENT, Text, primary_key=True),  # "" for none
    Column("model", Text, primary_key=True),
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("answers", "items", "fallback", "clicked", "carted", "purchased")
    ),
    sqlite_with_rowid=False,
)

item_counts: Final = Table(
    "item_counts",
    metadata,
    Column("minutes", Integer, primary_key=True, autoincrement=False),
    Column("bucket", BigInteger, primary_key=True, autoincrement=False),
    Column(schema.ITEM_ID, Text, primary_key=True),
    Column("answers", BigInteger, nullable=False),
    Column("clicked", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

responses: Final = Table(
    "responses",
    metadata,
    Column(schema.RECOMMENDATION_ID, Text, primary_key=True),
    Column(schema.ITEM_ID, Text, primary_key=True),
    Column(schema.USER_ID, Text, primary_key=True),
    Column("level", Integer, nullable=False),  # the highest that events of this user reached
    sqlite_with_rowid=False,
)

touched: Final = Table(  # answers that one transaction works on; empty between transactions
    "touched", metadata, Column(schema.RECOMMENDATION_ID, Text, primary_key=True), sqlite_with_rowid=False
)

traffic_hours: Final = Table(
    "traffic_hours",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("route", Text, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in BUCKETS),
    sqlite_with_rowid=False,
)
