import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data import indexing
from shopkeeper.data.cleaning.log import NO_TIME
from shopkeeper.data.cleaning.rows import row_faults
from shopkeeper.data.engine import open_engine
from shopkeeper.data.indexing import index_events, number_sessions
from shopkeeper.data.prepare import PrepareSettings
from shopkeeper.errors import DataError

SETTINGS = PrepareSettings()
COLUMNS = {
    "row": pa.int64(),
    "user_id": pa.string(),
    "item_id": pa.int64(),
    "event_type": pa.string(),
    "timestamp": pa.timestamp("us"),
    "session_id": pa.string(),
    "quantity": pa.float64(),
}
MOMENT = 1_700_000_000_000_000
ROWS = [
    (0, "b", 20, "view", MOMENT, "s", None),
    (1, "a", 10, "purchase", MOMENT + 1, "s", 2.5),
    (2, None, 30, "view", MOMENT + 2, None, None),
    (3, "b", None, "view", MOMENT + 3, "t", None),
    (4, "c", 10, None, MOMENT + 4, None, None),
    (5, "c", 10, "nonsense", MOMENT + 5, None, None),
    (6, "c", 10, "view", None, None, None),
    (7, "c", 10, "view", 5, None, None),
    (8, "c", 10, "view", MOMENT * 3, None, None),
]


@pytest.fixture(scope="module")
def engine():
    return open_engine()


def table_of(engine, rows, **types):
    schema = pa.schema(list((COLUMNS | types).items()))
    columns = list(zip(*rows, strict=True)) if rows else [[]] * len(schema)
    arrays = [pa.array(list(column), kind) for column, kind in zip(columns, schema.types, strict=True)]
    return engine.create_table(f"t{np.random.default_rng().integers(1 << 40)}", pa.table(arrays, schema=schema))


def index(table):
    indexed = index_events(table)
    return indexed, indexed.log.at(np.argsort(indexed.log.row))


def test_every_row_becomes_integers(engine):
    indexed, log = index(table_of(engine, ROWS))
    assert indexed.users.to_pylist() == ["a", "b", "c"]
    assert indexed.items.to_pylist() == [10, 20, 30]
    assert log.user.tolist() == [2, 1, 0, 2, 3, 3, 3, 3, 3]
    assert log.item.tolist() == [2, 1, 3, 0, 1, 1, 1, 1, 1]
    assert log.event_type.tolist() == [2, 5, 2, 2, 0, 0, 2, 2, 2]
    assert log.time.tolist()[:2] == [MOMENT, MOMENT + 1]
    assert log.time[6] == NO_TIME
    assert log.row.tolist() == list(range(9))
    assert np.array_equal(log.quantity[:2], [np.nan, 2.5], equal_nan=True)
    assert log.price is None


def test_sessions_belong_to_users(engine):
    _, log = index(table_of(engine, ROWS))
    assert log.session[0] != log.session[1]
    assert (log.session[[2, 4]] == 0).all()
    assert len(set(log.session[[0, 1, 3]])) == 3


def test_rows_that_cannot_be_events_have_a_reason(engine):
    _, log = index(table_of(engine, ROWS))
    found = ["missing_user", "missing_item", "unknown_event_type", "unknown_event_type", "missing_time",
             "impossible_time", "impossible_time"]  # fmt: skip
    from cleaning_logs import words

    reason = row_faults(log, SETTINGS.earliest, SETTINGS.latest).reason
    assert words(reason) == ["", "", *found]


def test_ids_stay_of_their_kind(engine):
    rows = [(0, 3, "x", "view", MOMENT, None, None), (1, -2, "ä", "view", MOMENT, None, None)]
    indexed, log = index(table_of(engine, rows, user_id=pa.int64(), item_id=pa.string()))
    assert indexed.users.to_pylist() == [-2, 3]
    assert indexed.items.to_pylist() == ["x", "ä"]
    assert log.user.tolist() == [2, 1]


def test_an_empty_log_is_refused(engine):
    with pytest.raises(DataError, match="the log is empty"):
        index_events(table_of(engine, []))


def test_a_source_that_grows_while_it_is_read_is_noticed(engine, monkeypatch):
    table = table_of(engine, ROWS)
    coded = indexing._coded

    def with_more_rows(*arguments):
        expression = coded(*arguments)
        return expression.union(expression)

    monkeypatch.setattr(indexing, "_coded", with_more_rows)
    with pytest.raises(DataError, match="the source changed"):
        index_events(table)


def test_temporary_tables_are_dropped(engine):
    table = table_of(engine, ROWS)
    before = engine.raw_sql("SELECT count(*) FROM duckdb_tables() WHERE temporary").fetchall()
    index_events(table)
    assert engine.raw_sql("SELECT count(*) FROM duckdb_tables() WHERE temporary").fetchall() == before


def test_sessions_are_numbered_as_they_appear():
    session = np.array([5, 5, 0, 2, 5, 0, 2], dtype=np.int32)
    assert number_sessions(session).tolist() == [0, 0, 1, 2, 0, 3, 2]
    assert number_sessions(np.zeros(0, np.int32)).tolist() == []
