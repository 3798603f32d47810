"""A log in any writing becomes the same canonical table; what cannot be understood is null or an error."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.sources import SourceSettings
from shopkeeper.data.times import TimeSettings
from shopkeeper.errors import ConfigError, DataError

BASE = {"user_id": [1, 2], "item_id": ["a", "b"], "event_type": ["view", "buy"], "timestamp": [0, 86400]}


def read(extra, **options):
    return Events.read(pa.table({**BASE, **extra}), EventsSettings(**options))


def values(events, column):
    return events.table.order_by("row").select(column).to_pyarrow().column(0).to_pylist()


def times(column, **options):
    table = pa.table({**{name: [1] * len(column) for name in ("user_id", "item_id")}, "timestamp": column})
    events = Events.read(table, EventsSettings(event_type="view", time=TimeSettings(**options)))
    return values(events, "timestamp"), events.facts["time"]


def test_canonical_table():
    table = read({"qty": ["2", "many"], "Price": [1, 2], "page": ["home", ""]}).table
    assert table.columns == ("row", "user_id", "item_id", "event_type", "timestamp", "quantity", "price", "placement")
    rows = table.to_pyarrow().to_pylist()
    assert rows[0] == {
        "row": 0, "user_id": 1, "item_id": "a", "event_type": "view", "timestamp": datetime(1970, 1, 1),
        "quantity": 2.0, "price": 1.0, "placement": "home",
    }  # fmt: skip
    assert (rows[1]["event_type"], rows[1]["quantity"], rows[1]["placement"]) == ("purchase", None, None)


def test_aliases_and_mapping_of_any_case():
    table = pa.table({"CustomerID": [1], "StockCode": ["x"], "InvoiceDate": ["2024-01-01"], "who": [7]})
    events = Events.read(table, EventsSettings(event_type="purchase"))
    assert dict(events.columns) == {"user_id": "CustomerID", "item_id": "StockCode", "timestamp": "InvoiceDate"}
    events = Events.read(table, EventsSettings(event_type="purchase", columns={"user_id": "WHO"}))
    assert values(events, "user_id") == [7]


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"user_id": [1]}, {}, "no column for item_id and event_type and timestamp"),
        ({"user": [1], "visitorid": [1]}, {}, "more than one column may be user_id"),
        ({"user": [1]}, {"columns": {"user_id": "users"}}, "did you mean 'user'"),
        ({"user": [1]}, {"columns": {"shopper": "user"}}, "'shopper' is not a column of ours"),
        ({"user": [1], "item": [1], "time": [1]}, {}, "--event-type purchase"),
        ({"user": [[1]], "item": [1], "time": [1], "event": ["view"]}, {}, "cannot hold ids"),
        ({"user": [1], "item": [1], "time": [[1]], "event": ["view"]}, {}, "cannot hold times"),
    ],
)
def test_columns_that_do_not_fit(columns, options, message):
    with pytest.raises(DataError, match=message):
        Events.read(pa.table(columns), EventsSettings(**options))


def test_an_empty_name_leaves_a_role_without_column():
    assert "quantity" not in read({"count": [1, 2]}, columns={"quantity": ""}).table.columns


def test_event_types_are_understood_and_counted():
    table = pa.table({
        "user_id": [1] * 5, "item_id": [1] * 5, "timestamp": [0] * 5,
        "event": ["Detail-Page-View", "AddToCart", "dance", None, "dance"],
    })  # fmt: skip
    events = Events.read(table)
    assert values(events, "event_type") == ["view", "cart", None, None, None]
    assert events.facts["event_types"][0] == {"word": "dance", "rows": 2, "meaning": None}
    mapped = Events.read(table, EventsSettings(event_type_map={"dance": "like"}))
    assert values(mapped, "event_type") == ["view", "cart", "like", None, "like"]


def test_a_column_of_many_words_is_no_event_type():
    table = pa.table({"user": range(2000), "item": [1] * 2000, "time": [0] * 2000, "type": range(2000)})
    with pytest.raises(DataError, match="does not hold event types"):
        Events.read(table)


def test_negative_quantities_are_returns():
    columns = {"event_type": ["purchase", "return"], "quantity": [-2, -1]}
    events = read(columns)
    assert values(events, "event_type") == ["return", "return"]
    assert values(events, "quantity") == [2.0, 1.0]
    kept = read(columns, negative_quantity_is_return=False)
    assert values(kept, "event_type") == ["purchase", "return"]
    assert values(kept, "quantity") == [-2.0, -1.0]


def test_numbers_that_are_not_finite_are_null():
    assert values(read({"price": [float("nan"), float("inf")]}), "price") == [None, None]
    assert values(read({"price": ["1e400", "-3.5"]}), "price") == [None, -3.5]


@pytest.mark.parametrize(
    ("given_ids", "expected"),
    [
        ([17850.0, None], [17850, None]),
        ([1.5, 2.0], ["1.5", "2.0"]),
        (["00123", "7"], ["00123", "7"]),
        (["7", ""], ["7", None]),
        (["12", "13"], ["12", "13"]),
    ],
)
def test_ids_of_typed_sources(given_ids, expected):
    assert values(read({"item_id": given_ids}), "item_id") == expected


def csv_ids(folder, texts):
    lines = "".join(f'"{text}",x,view,2024-01-01\n' for text in texts)
    (folder / "ids.csv").write_text("user,item,event,time\n" + lines)
    return values(Events.read(folder / "ids.csv"), "user_id")


def test_ids_of_a_csv(tmp_path):
    assert csv_ids(tmp_path, ["7", "-12", "", "0"]) == [7, -12, None, 0]
    assert csv_ids(tmp_path, ["7", "007"]) == ["7", "007"]
    assert csv_ids(tmp_path, ["17850.0", "", "3.0"]) == [17850, None, 3]
    assert csv_ids(tmp_path, ["17850.0", "3"]) == ["17850.0", "3"]
    assert csv_ids(tmp_path, ["+7", "8"]) == ["+7", "8"]
    assert csv_ids(tmp_path, ["9223372036854775808"]) == ["9223372036854775808"]


IDS = st.one_of(st.integers(-(10**20), 10**20).map(str), st.text("0123456789.-+eE aA_", max_size=8))


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(IDS, min_size=1, max_size=6))
def test_an_id_of_a_csv_comes_back_as_it_was_written(tmp_path_factory, texts):
    read_back = csv_ids(tmp_path_factory.mktemp("ids"), texts)
    whole = all(isinstance(value, int) for value in read_back if value is not None)
    for text, value in zip(texts, read_back, strict=True):
        assert value is None if text == "" else str(value) + (".0" if whole and text.endswith(".0") else "") == text


@pytest.mark.parametrize("scale", [1, 1000, 10**6, 10**9])
@pytest.mark.parametrize("as_text", [False, True])
def test_unit_of_unix_times_is_told_by_magnitude(scale, as_text):
    numbers = [1_700_000_000 * scale, 1_700_000_060 * scale]
    found, _ = times([str(n) for n in numbers] if as_text else numbers)
    assert [time.replace(tzinfo=UTC).timestamp() for time in found] == [1_700_000_000, 1_700_000_060]


def test_numbers_beyond_all_times_are_null_and_a_unit_can_be_forced():
    assert times([1_700_000_000, 1_700_000_001, 10**18])[0][2] is None
    assert times([86_400_000], unit="ms")[0] == [datetime(1970, 1, 2)]
    assert times([20240131])[0] == [datetime(2024, 1, 31)]
    assert times([1.5, float("nan")])[0] == [datetime(1970, 1, 1, 0, 0, 1, 500_000), None]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2024-03-04T05:06:07Z", "x"], [datetime(2024, 3, 4, 5, 6, 7), None]),
        (["2024-03-04 05:06:07+02:00"], [datetime(2024, 3, 4, 3, 6, 7)]),
        (["2024-03-04"], [datetime(2024, 3, 4)]),
        (["12/31/2024 8:26", "1/2/2024 9:00"], [datetime(2024, 12, 31, 8, 26), datetime(2024, 1, 2, 9)]),
        (["31.12.24"], [datetime(2024, 12, 31)]),
        (["31/Dec/2024:23:00:00 +0100"], [datetime(2024, 12, 31, 22)]),
        (["12/31/2024 8:26 PM"], [datetime(2024, 12, 31, 20, 26)]),
        (["", None], [None, None]),
    ],
)
def test_texts_of_times(texts, expected):
    assert times(pa.array(texts, pa.string()))[0] == expected


def test_an_ambiguous_format_must_be_said():
    with pytest.raises(DataError, match="fit more than one format"):
        times(["03/04/2024", "05/06/2024"])
    assert times(["03/04/2024"], format="%d/%m/%Y")[0] == [datetime(2024, 4, 3)]
    with pytest.raises(DataError, match="cannot be read"):
        times(["yesterday", "today"])


def test_zones():
    summer, winter = datetime(2024, 7, 1, 10), datetime(2024, 1, 1, 10)
    assert times([summer, winter], zone="Europe/London")[0] == [datetime(2024, 7, 1, 9), winter]
    assert times(["2024-07-01 10:00", "2024-07-01T10:00:00Z"], zone="Europe/London")[0] == [
        datetime(2024, 7, 1, 9), datetime(2024, 7, 1, 10),
    ]  # fmt: skip
    aware = pa.array([summer], pa.timestamp("us", "Asia/Tokyo"))
    assert times(aware, zone="Europe/London")[0] == [summer]
    with pytest.raises(ConfigError, match="unknown time zone"):
        times([summer], zone="Europe/Lundon")


def test_pandas_and_polars_frames():
    frame = pd.DataFrame({**BASE, "timestamp": pd.to_datetime(["2024-01-01", None])})
    assert values(Events.read(frame), "timestamp") == [datetime(2024, 1, 1), None]
    enum = pl.DataFrame(BASE).with_columns(pl.col("event_type").cast(pl.Categorical))
    assert values(Events.read(enum), "event_type") == ["view", "purchase"]


def test_the_source_columns_stay_beside_ours():
    events = read({"event_type": ["view", "dance"], "row": [5, 6], "Description": ["x", "y"]})
    detail = events.detail.order_by("row").to_pyarrow()
    assert detail.column("source.event_type").to_pylist() == ["view", "dance"]
    assert detail.column("source.row").to_pylist() == [5, 6]
    assert detail.column("row").to_pylist() == [0, 1]
    assert dict(events.item_columns) == {"title": "Description"}


def test_broken_lines_are_told(tmp_path):
    (tmp_path / "x.csv").write_text("user,item,event,time\n1,a,view,2024-01-01\n1,a\n2,b,view,2024-01-01\n")
    facts = Events.read(tmp_path / "x.csv").facts
    assert facts["broken_lines"] == 1
    assert facts["broken_examples"][0]["line"] == 3
    with pytest.raises(DataError):
        Events.read(tmp_path / "x.csv", EventsSettings(source=SourceSettings(bad_lines="error")))


def test_an_empty_log_is_a_table_without_rows(tmp_path):
    (tmp_path / "x.csv").write_text("user,item,event,time\n")
    assert Events.read(tmp_path / "x.csv").table.count().to_pyarrow().as_py() == 0
