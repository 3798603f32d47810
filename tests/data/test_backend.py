"""The calls of the backend that differ between versions of DuckDB."""

from __future__ import annotations

import ibis
import pyarrow as pa
import pytest
from ibis.common.exceptions import TableNotFound

from shopkeeper.data.engine import STAGING, open_engine
from shopkeeper.data.sources import read_source


def test_schema_of_a_table_of_another_database():
    engine = open_engine()
    engine.raw_sql(f'CREATE TABLE {STAGING}.main."a b" (x BIGINT NOT NULL, y VARCHAR, z TIMESTAMP)')
    schema = engine.table("a b", database=(STAGING, "main")).schema()
    assert schema == ibis.schema({"x": "!int64", "y": "string", "z": "timestamp(6)"})
    with pytest.raises(TableNotFound):
        engine.table("nothing")


def test_batches_stream_views_and_tables_in_memory():
    opened = read_source(pa.table({"x": range(10_000)}))
    joined = opened.table.join(ibis.memtable(pa.table({"source.x": [5, 6, 20_000]})), "source.x").order_by("row")
    engine = opened.table.get_backend()
    assert [batch.num_rows for batch in engine.to_pyarrow_batches(joined)] == [2]
    batches = list(engine.to_pyarrow_batches(opened.table, chunk_size=4096))
    assert sum(batch.num_rows for batch in batches) == 10_000
    assert max(batch.num_rows for batch in batches) <= 4096
    assert engine.create_table("copied", opened.table).count().to_pyarrow().as_py() == 10_000
