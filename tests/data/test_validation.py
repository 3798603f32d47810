"""Planted faults are found with their exact counts; a clean log has none; odd logs give a report and no crash."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.validation.findings import Severity
from shopkeeper.data.validation.settings import ValidationSettings
from shopkeeper.data.validation.validate import validate
from shopkeeper.errors import DataError

START = datetime(2024, 3, 4)


def clean_log(n=4000, users=200, seed=0):
    """Shoppers who look at items in the afternoon; nobody does anything twice within a minute."""
    generator = np.random.default_rng(seed)
    minute = np.arange(n) * 7 % 600
    times = [START + timedelta(days=int(n // 50), hours=10, minutes=int(m)) for n, m in enumerate(minute)]
    return {
        "user_id": [f"u{user}" for user in generator.integers(0, users, n)],
        "item_id": [f"i{item:03d}" for item in generator.permutation(np.arange(n) % 100)],
        "event_type": ["purchase" if n % 5 == 0 else "view" for n in range(n)],
        "timestamp": times,
        "quantity": [1.0 + n % 3 for n in range(n)],
        "price": [5.0 + n % 20 for n in range(n)],
    }


def report_of(table, catalog=None, settings=None, **options):
    return validate(Events.read(pa.table(table), EventsSettings(**options)), catalog, settings)


def planted(code, changes, **options):
    """The finding of a log in which some values are replaced: column to {row: value}."""
    columns = clean_log()
    for column, values in changes.items():
        for row, value in values.items():
            columns[column][row] = value
    finding = report_of(columns, **options).finding(code)
    assert finding is not None, code
    return finding


def rows_shown(finding):
    return [example["row"] for example in finding.examples]


def test_a_clean_log_has_no_finding():
    report = report_of(clean_log())
    assert [finding.code for finding in report.findings] == []
    assert report.worst is None
    assert report.overview["rows"] == 4000
    assert report.overview["users"] == 200
    assert report.overview["items"] == 100
    assert report.overview["first_time"] == "2024-03-04T10:00:00+00:00"
    assert report.event_types == [
        {"type": "view", "rows": 3200, "share": 0.8}, {"type": "purchase", "rows": 800, "share": 0.2},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "column", "values"),
    [
        ("missing_user", "user_id", [None, "", None]),
        ("missing_item", "item_id", [None]),
        ("missing_timestamp", "timestamp", [None]),
        ("time_epoch_zero", "timestamp", [datetime(1970, 1, 1), datetime(1970, 1, 1, 5)]),
        ("time_too_early", "timestamp", [datetime(1985, 1, 1), datetime(1969, 12, 31)]),
        ("time_in_future", "timestamp", [datetime(2999, 1, 1)]),
        ("price_zero", "price", [0.0, 0.0]),
        ("price_negative", "price", [-1.0]),
        ("price_outlier", "price", [1e6, 1e-6]),
        ("quantity_zero", "quantity", [0.0]),
        ("quantity_outlier", "quantity", [74215.0]),
        ("unknown_event_type", "event_type", ["dance", "wink"]),
        ("missing_event_type", "event_type", [None]),
        ("placeholder_user", "user_id", ["NaN", "guest", "guest"]),
        ("placeholder_item", "item_id", ["undefined"]),
        ("test_users", "user_id", ["test", "qa_7"]),
    ],
)
def test_planted_values_are_counted_and_shown(code, column, values):
    rows = [3 + 100 * place for place in range(len(values))]
    code = "missing_time" if code == "missing_timestamp" else code
    finding = planted(code, {column: dict(zip(rows, values, strict=True))})
    assert finding.count == len(values)
    assert finding.share == pytest.approx(len(values) / 4000)
    assert set(rows_shown(finding)) <= set(rows)
    assert rows_shown(finding)


def test_examples_are_rows_of_the_source_in_order_and_at_most_five():
    columns = {f"My {name}": values for name, values in clean_log().items()}
    columns["My price"][10:30] = [0.0] * 20
    mapping = {name: f"My {name}" for name in clean_log(1)}
    finding = report_of(columns, columns=mapping).finding("price_zero")
    assert rows_shown(finding) == [10, 11, 12, 13, 14]
    assert finding.examples[0] == {"row": 10, **{name: finding.examples[0][name] for name in columns}}
    assert finding.examples[0]["My price"] == 0.0
    assert finding.examples[0]["My timestamp"] == "2024-03-04T11:10:00"


def test_numbers_and_times_of_the_wrong_type():
    columns = clean_log(100)
    columns["price"] = ["n/a", *map(str, columns["price"][1:])]
    columns["timestamp"] = ["soon", *(time.isoformat() for time in columns["timestamp"][1:-1]), ""]
    report = report_of(columns)
    assert report.finding("unreadable_price").count == 1
    assert report.finding("unreadable_time").count == 1
    assert report.finding("missing_time").count == 1
    assert report.missing["timestamp"] == {"rows": 2, "share": 0.02}


def test_exact_duplicates_and_double_fired_events_are_told_apart():
    columns = clean_log(100)
    for seconds in (0, 1, 2, 3):  # one exact copy, two fired again at once, one a second too late
        for name in columns:
            value = columns[name][50]
            columns[name].append(value + timedelta(seconds=seconds + (seconds == 3)) if name == "timestamp" else value)
    report = report_of(columns)
    assert (report.finding("duplicate_rows").count, report.finding("double_fired").count) == (1, 3)
    assert rows_shown(report.finding("duplicate_rows")) == [100]
    assert rows_shown(report.finding("double_fired")) == [101, 102, 103]
    strict = report_of(columns, settings=ValidationSettings(double_fired_seconds=1))
    assert strict.finding("double_fired").count == 2


def test_duplicates_with_a_missing_user_count_and_their_double_fires_do_not():
    columns = {name: [*values, values[7], values[7]] for name, values in clean_log(100).items()}
    for row in (7, 100, 101):
        columns["user_id"][row] = None
    columns["price"][101] = 99.0
    report = report_of(columns)
    assert report.finding("duplicate_rows").count == 1
    assert report.finding("double_fired") is None


def test_duplicates_name_their_definition_and_count_whole_rows_too():
    columns = {name: [*values, values[7], values[9]] for name, values in clean_log(100).items()}
    columns["country"] = ["UK"] * 101 + ["FR"]
    details = report_of(columns).finding("duplicate_rows").details
    assert details["equal_in"] == ["user_id", "item_id", "event_type", "timestamp", "quantity", "price"]
    assert details["equal_in_every_source_column"] == 1


def test_returns_by_negative_quantity_and_returns_without_purchase():
    columns = clean_log(100)
    bought = next(row for row in range(40) if columns["event_type"][row] == "purchase")
    for name in ("user_id", "item_id"):
        columns[name][90] = columns[name][bought]
    columns["user_id"][95] = "stranger"
    for row in (90, 95):
        columns["event_type"][row], columns["quantity"][row] = "purchase", -1.0
    report = report_of(columns)
    assert report.finding("negative_quantity_as_return").count == 2
    assert report.finding("return_without_purchase").count == 1
    assert rows_shown(report.finding("return_without_purchase")) == [95]
    kept = report_of(columns, negative_quantity_is_return=False)
    assert kept.finding("quantity_negative").count == 2


def test_a_bot_is_found_by_its_busiest_day():
    columns = clean_log()
    for n in range(700):
        row = {"user_id": "robot", "item_id": f"i{n % 100:03d}", "event_type": "view", "quantity": 1.0, "price": 6.0}
        for name, value in (row | {"timestamp": START + timedelta(hours=10, minutes=n)}).items():
            columns[name].append(value)
    finding = report_of(columns).finding("bots")
    assert finding.count == 700
    assert finding.details["worst"] == [{"user_id": "robot", "events_in_a_day": 700}]
    assert report_of(columns, settings=ValidationSettings(bot_events_a_day=700)).finding("bots") is None


def test_items_without_a_catalog_row_and_without_events():
    catalog = Catalog.read(pa.table({"item_id": [f"i{n:03d}" for n in range(10, 120)], "title": ["x"] * 110}))
    report = report_of(clean_log(), catalog)
    assert report.finding("items_not_in_catalog").count == 400
    assert report.finding("items_not_in_catalog").details["items"] == 10
    assert report.finding("items_without_events").count == 20
    assert report.overview["catalog_items"] == 110


def test_a_catalog_of_another_kind_of_ids_is_an_error():
    report = report_of(clean_log(), Catalog.read(pa.table({"item_id": [1, 2, 2]})))
    assert report.finding("id_kinds_differ").severity == Severity.ERROR
    assert report.worst == Severity.ERROR


def test_repeated_catalog_rows_are_told():
    ids = [f"i{n:03d}" for n in range(100)]
    report = report_of(clean_log(), Catalog.read(pa.table({"item_id": [*ids, "i000"]})))
    assert report.finding("duplicate_catalog_rows").count == 1


def test_non_products_by_the_titles_in_the_log():
    columns = clean_log()
    columns["Description"] = ["Lamp"] * 4000
    for row in (5, 6):
        columns["item_id"][row], columns["Description"][row] = "P", "Postage"
    finding = report_of(columns).finding("non_products")
    assert (finding.count, finding.details["items"]) == (2, 1)
    assert finding.details["listed"][0]["title"] == "Postage"


def test_broken_lines_of_a_csv_are_a_finding(tmp_path):
    (tmp_path / "x.csv").write_text("user,item,event,time\n1,a,view,2024-01-01\n1,a\n2,b,view,2024-01-02\n")
    finding = validate(Events.read(tmp_path / "x.csv")).finding("broken_lines")
    assert finding.count == 1
    assert finding.details["lines"][0]["text"] == "1,a"


def test_a_log_without_interest_is_an_error():
    columns = clean_log(10) | {"event_type": ["dance"] * 10}
    report = report_of(columns)
    assert report.findings[0].code in {"no_interest", "unknown_event_type"}
    assert report.worst == Severity.ERROR


ONE = {"user_id": [1], "item_id": ["a"], "event_type": ["view"], "timestamp": [START]}


@pytest.mark.parametrize(
    "columns",
    [
        ONE,
        {**ONE, "quantity": [None], "price": [None]},
        {name: values * 5 for name, values in ONE.items()},
        {**{name: values * 3 for name, values in ONE.items()}, "user_id": [1, 2, 3]},
        {**{name: values * 3 for name, values in ONE.items()}, "item_id": ["a", "b", "c"]},
        {**ONE, "user_id": pa.array([None], pa.string())},
        {**ONE, "item_id": pa.array([None], pa.string())},
        {**ONE, "timestamp": pa.array([None], pa.timestamp("us"))},
        {**ONE, "event_type": pa.array([None], pa.string())},
        {**ONE, "event_type": ["return"], "session_id": ["s"]},
        {**ONE, "price": [float("nan")], "quantity": ["x"]},
    ],
)
def test_odd_logs_give_a_report(columns):
    report = report_of(columns)
    assert json.loads(json.dumps(report.to_json(), allow_nan=False))["overview"]["rows"] == len(columns["user_id"])
    assert report.to_html()
    assert report.to_text()
    assert not any(unlock.ready for unlock in report.unlocks if unlock.name == "sasrec")


def test_an_empty_log_is_a_clear_error():
    with pytest.raises(DataError, match="has no rows"):
        report_of({name: pa.array([], pa.array(values).type) for name, values in ONE.items()})


def test_events_made_by_hand_are_validated_too():
    events = Events.read(pa.table(clean_log(100)))
    report = validate(Events(events.table, "by hand"))
    assert report.source == "by hand"
    assert report.overview["rows"] == 100


@pytest.mark.shared_data
def test_online_retail(shared_data):
    columns = {
        "user_id": "CustomerID", "item_id": "StockCode", "timestamp": "InvoiceDate", "quantity": "Quantity",
        "price": "UnitPrice", "session_id": "InvoiceNo",
    }  # fmt: skip
    source = shared_data / "online-retail" / "online_retail.parquet"
    report = validate(Events.read(source, EventsSettings(columns=columns, event_type="purchase")))
    counts = {finding.code: finding.count for finding in report.findings}
    assert counts["missing_user"] == 135_080
    assert counts["negative_quantity_as_return"] == 10_624
    assert counts["price_zero"] + counts["price_negative"] == 2_517
    assert counts["duplicate_rows"] == 5_270
    assert report.finding("duplicate_rows").details["equal_in_every_source_column"] == 5_268
    assert counts["return_without_purchase"] == 1_306
    assert counts["non_products"] == 3_030
