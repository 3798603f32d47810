"""Every kind of source gives the same rows; every kind of damage gives a clear error."""

from __future__ import annotations

import gzip
import os
import sqlite3
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shopkeeper.data.databases import parse_address
from shopkeeper.data.engine import EngineSettings, open_engine
from shopkeeper.data.files import find_files
from shopkeeper.data.sources import SourceSettings, read_source
from shopkeeper.errors import DataError, ResourceError

TABLE = pa.table({"user": [1, 2, 3], "item": ["00123", "b", None], "price": [1.5, None, 2.0]})
ROWS = [(0, 1, "00123", 1.5), (1, 2, "b", None), (2, 3, None, 2.0)]
CSV = "user,item,price\n1,00123,1.5\n2,b,\n3,,2.0\n"


def rows_of(source, **settings):
    table = read_source(source, SourceSettings(**settings)).table
    return [tuple(row.values()) for row in table.order_by("row").to_pyarrow().to_pylist()]


def test_tables_in_memory_give_the_same_rows():
    frame = TABLE.to_pandas()
    assert rows_of(TABLE) == ROWS
    assert rows_of(pl.from_arrow(TABLE)) == ROWS
    assert [row[:3] for row in rows_of(frame)] == [row[:3] for row in ROWS]


def test_parquet_file_glob_and_folder(tmp_path):
    pq.write_table(TABLE, tmp_path / "a.parquet")
    pq.write_table(TABLE, tmp_path / "b.parquet")
    assert rows_of(tmp_path / "a.parquet") == ROWS
    both = ROWS + [(row[0] + 3, *row[1:]) for row in ROWS]
    assert rows_of(str(tmp_path / "*.parquet")) == both
    assert rows_of(tmp_path) == both


def test_row_numbers_run_through_files_of_many_row_groups(tmp_path):
    for part, size in enumerate((700, 1, 1300)):
        pq.write_table(
            pa.table({"x": np.arange(size) + 10_000 * part}), tmp_path / f"{part}.parquet", row_group_size=100
        )
    rows = rows_of(tmp_path)
    assert [row for row, _ in rows] == list(range(2001))
    assert rows[700] == (700, 10_000)
    assert rows[701] == (701, 20_000)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_partitioned_folder_gives_its_keys_as_text(tmp_path, kind):
    for day in ("2024-01-01", "2024-01-02"):
        folder = tmp_path / f"date={day}"
        folder.mkdir()
        TABLE.to_pandas().to_csv(folder / "x.csv", index=False) if kind == "csv" else pq.write_table(
            TABLE, folder / "x.parquet"
        )
    opened = read_source(tmp_path)
    assert opened.columns == ("user", "item", "price", "date")
    assert (
        opened.table.order_by("row").to_pyarrow().column("source.date").to_pylist()
        == ["2024-01-01"] * 3 + ["2024-01-02"] * 3
    )


def test_csv_comes_as_text_and_keeps_leading_zeros(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text(CSV)
    with gzip.open(tmp_path / "events.csv.gz", "wt") as stream:
        stream.write(CSV)
    expected = [(0, "1", "00123", "1.5"), (1, "2", "b", None), (2, "3", None, "2.0")]
    assert rows_of(file) == expected
    assert rows_of(tmp_path / "events.csv.gz") == expected


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiter_is_found_in_the_header(tmp_path, delimiter):
    (tmp_path / "x.csv").write_text(CSV.replace(",", delimiter))
    assert rows_of(tmp_path / "x.csv")[0] == (0, "1", "00123", "1.5")


def test_csv_with_quotes_byte_order_mark_and_windows_lines(tmp_path):
    (tmp_path / "x.csv").write_bytes('﻿"a","b"\r\n"1,5","say ""hi""\nthere"\r\n'.encode())
    assert rows_of(tmp_path / "x.csv") == [(0, "1,5", 'say "hi"\nthere')]


def test_broken_lines_of_a_csv_are_counted_and_shown(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n1,2,3\n4\n5,6\n7,8\n9,0\n")
    opened = read_source(tmp_path / "x.csv")
    assert opened.broken_lines == 2
    assert [(line.line, line.text) for line in opened.broken_examples] == [(3, "1,2,3"), (4, "4")]
    assert opened.table.count().to_pyarrow().as_py() == 4
    with pytest.raises(DataError, match="line 3 of x"):
        read_source(tmp_path / "x.csv", SourceSettings(bad_lines="error"))


def test_a_csv_of_mostly_broken_lines_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n1,2,3\n4,5,6\n")
    with pytest.raises(DataError, match="2 lines that cannot be read"):
        read_source(tmp_path / "x.csv")


def test_encoding(tmp_path):
    (tmp_path / "x.csv").write_bytes("a,b\nx,y\nCafé,z\n".encode("latin-1"))
    with pytest.raises(DataError, match="line 3 cannot be decoded"):
        read_source(tmp_path / "x.csv")
    assert rows_of(tmp_path / "x.csv", encoding="latin-1")[1] == (1, "Café", "z")


def test_json_lines_keep_text_as_text(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"u":1,"i":"00123","t":"2020-01-01"}\n{"u":2,"i":"b","t":"x"}\n{"u":3}\n')
    assert rows_of(tmp_path / "x.jsonl") == [(0, 1, "00123", "2020-01-01"), (1, 2, "b", "x"), (2, 3, None, None)]
    (tmp_path / "y.jsonl").write_text('{"i":1}\n{"i":"A12"}\n')
    assert rows_of(tmp_path / "y.jsonl") == [(0, "1"), (1, "A12")]


@pytest.fixture
def duck(tmp_path):
    file = tmp_path / "shop.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.register("given", TABLE)
        connection.execute('CREATE TABLE events AS FROM given; CREATE SCHEMA s; CREATE TABLE s."my log" AS FROM given')
    return file


@pytest.mark.parametrize(
    "query",
    [
        "COPY events TO '{out}'", "SELECT 1; COPY events TO '{out}'", "DROP TABLE events",
        "SELECT 1; DROP TABLE events",
        "SELECT * FROM read_text('{secret}')", "SELECT * FROM '{secret}'", "ATTACH '{out}' AS other", "INSTALL httpfs",
        "EXPORT DATABASE '{out}'", "INSERT INTO events SELECT * FROM events", "SET enable_external_access = true",
        "CREATE TABLE t AS SELECT 1", "PRAGMA database_list", "",
    ],
)  # fmt: skip
def test_a_query_of_duckdb_reads_its_tables_alone(duck, tmp_path, query):
    out, secret = tmp_path / "out.csv", tmp_path / "secret.txt"
    secret.write_text("a,b")
    with pytest.raises(DataError):
        rows_of(f"duckdb:///{duck}?query={query.format(out=out, secret=secret)}")
    assert not out.exists()
    assert rows_of(f"duckdb:///{duck}?table=events") == ROWS


def test_duckdb_table_and_query(duck):
    assert rows_of(f"duckdb:///{duck}?table=events") == ROWS
    assert rows_of(f"duckdb:///{duck}?table=s.my%20log") == ROWS
    assert rows_of(f"duckdb:///{duck}?query=SELECT item, user FROM events WHERE item LIKE '%b%'") == [(0, "b", 2)]


def test_sqlite_mixed_columns_become_text(tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE events (user, item, price)")
        connection.executemany("INSERT INTO events VALUES (?, ?, ?)", [(1, "00123", 1.5), (2, 7, 2), (3, None, None)])
    connection.close()
    assert rows_of(f"sqlite:///{tmp_path}/shop.db?table=events") == [
        (0, 1, "00123", 1.5), (1, 2, "7", 2.0), (2, 3, None, None),
    ]  # fmt: skip
    with pytest.raises(DataError, match="no such table: nothing"):
        read_source(f"sqlite:///{tmp_path}/shop.db?table=nothing")


@pytest.mark.postgres
def test_postgresql_table():
    address = os.environ.get("SHOPKEEPER_TEST_POSTGRES")
    if not address:
        pytest.skip("needs a PostgreSQL server: set SHOPKEEPER_TEST_POSTGRES to its address")
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(address) as connection:
        connection.execute("DROP TABLE IF EXISTS shopkeeper_test_events")
        connection.execute('CREATE TABLE shopkeeper_test_events ("user" int, item text, price numeric, at timestamptz)')
        connection.execute(
            "INSERT INTO shopkeeper_test_events VALUES (1, '00123', 1.5, '2024-01-01 12:00+02'), (2, '', null, null)"
        )
    rows = rows_of(f"{address}?table=shopkeeper_test_events")
    assert [row[:4] for row in rows] == [(0, 1, "00123", 1.5), (1, 2, "", None)]
    assert rows[0][4].isoformat() == "2024-01-01T10:00:00+00:00"


def test_address_hides_the_password_and_keeps_the_options():
    address = parse_address("postgresql://me:secret@host/shop?sslmode=require&table=public.events")
    assert address.server == "postgresql://me:secret@host/shop?sslmode=require"
    assert address.query == 'SELECT * FROM "public"."events"'
    assert "secret" not in address.name


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mysql://host/db?table=x", "unknown kind of database"),
        ("duckdb:///nothing.duckdb?table=x", "no database file"),
        ("sqlite:///nothing.db", "does not say what to read"),
    ],
)
def test_wrong_addresses(address, message):
    with pytest.raises(DataError, match=message):
        read_source(address)


def test_missing_table_of_a_database(duck):
    with pytest.raises(DataError, match="nothing"):
        read_source(f"duckdb:///{duck}?table=nothing")


def damaged(folder: Path, kind: str) -> Path:
    pq.write_table(pa.table({"x": np.random.default_rng(0).random(100_000)}), folder / "whole.parquet")
    whole = (folder / "whole.parquet").read_bytes()
    text = gzip.compress(("a,b\n" + "".join(f"{i},{i * i % 977}\n" for i in range(50_000))).encode())
    content = {
        "cut.parquet": whole[: len(whole) // 2],
        "empty.parquet": b"",
        "text.parquet": b"user,item\n1,2\n",
        "cut.csv.gz": text[: len(text) // 2],
        "cut.jsonl": b'{"a":1}\n{"a":',
        "text.jsonl": b"a,b\n1,2\n",
        "twice.csv": b"a,A\n1,2\n",
        "unnamed.csv": b"a,,b\n1,2,3\n",
        "photo.png": b"\x89PNG",
    }[kind]
    (folder / "whole.parquet").unlink()
    (folder / kind).write_bytes(content)
    return folder / kind


@pytest.mark.parametrize(
    "kind",
    [
        "cut.parquet", "empty.parquet", "text.parquet", "cut.csv.gz", "cut.jsonl", "text.jsonl", "twice.csv",
        "unnamed.csv", "photo.png",
    ],
)  # fmt: skip
def test_damaged_files_give_a_clear_error(tmp_path, kind):
    file = damaged(tmp_path, kind)
    with pytest.raises(DataError) as caught:
        read_source(file)
    assert kind in str(caught.value) or "column name" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_missing_path_and_mixed_folder(tmp_path):
    with pytest.raises(DataError, match="nothing to read"):
        read_source(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="nothing to read"):
        read_source(str(tmp_path / "*.csv"))
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "b.jsonl").write_text('{"a":1}\n')
    with pytest.raises(DataError, match="several kinds"):
        read_source(tmp_path)
    (tmp_path / "c.csv").write_text("b\n1\n")
    with pytest.raises(DataError, match="another header"):
        read_source(str(tmp_path / "*.csv"))


def test_hidden_files_of_a_folder_are_not_read(tmp_path):
    for name in ("b.csv", "a.csv", "_SUCCESS.csv", ".hidden.csv"):
        (tmp_path / name).write_text("a\n1\n")
    assert [file.name for file in find_files(str(tmp_path))[0]] == ["a.csv", "b.csv"]


def test_other_objects_and_mixed_columns_are_refused():
    with pytest.raises(DataError, match="no source of rows"):
        read_source(42)
    with pytest.raises(DataError, match="different types"):
        read_source(pd.DataFrame({"item": ["a", 1]}))


def test_the_temporary_folder_goes_with_its_engine(tmp_path):
    engine = open_engine(EngineSettings(temp_directory=tmp_path, memory_limit="500MB", threads=1))
    assert engine.raw_sql("SELECT current_setting('memory_limit')").fetchone()[0].startswith("476")
    assert len(list(tmp_path.iterdir())) == 1
    del engine
    import gc

    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_engine_settings_that_do_not_work(tmp_path):
    with pytest.raises(ResourceError, match="cannot start"):
        open_engine(EngineSettings(memory_limit="a lot"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="temporary folder"):
        open_engine(EngineSettings(temp_directory=tmp_path / "file"))
