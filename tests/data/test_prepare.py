import json
import resource
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.cleaning.reasons import EXPLANATIONS, REASONS, Reason
from shopkeeper.data.cleaning.rejections import rejection_counts
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.engine import open_engine
from shopkeeper.data.events import Events
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import ArtifactError, DataError

DAY = 86_400_000_000
START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
WHOLE = PrepareSettings(split=SplitSettings(kind="leave_one_out"))


@pytest.fixture(scope="module")
def engine():
    return open_engine()


def events_of(engine, columns) -> Events:
    """Events of columns: user_id, item_id, event_type, day (offset from the start) and any optional ones."""
    n = len(columns["user_id"])
    table = {
        "row": pa.array(range(n), pa.int64()),
        "user_id": pa.array(columns["user_id"], pa.string()),
        "item_id": pa.array(columns["item_id"], pa.string()),
        "event_type": pa.array(columns.get("event_type", ["view"] * n), pa.string()),
        "timestamp": pa.array(
            [None if day is None else START + round(day * DAY) for day in columns["day"]], pa.timestamp("us")
        ),
    }
    for name in ("quantity", "price"):
        if name in columns:
            table[name] = pa.array(columns[name], pa.float64())
    for name in ("session_id", "placement"):
        if name in columns:
            table[name] = pa.array(columns[name], pa.string())
    name = f"t{np.random.default_rng().integers(1 << 60)}"
    return Events(engine.create_table(name, pa.table(table)), "a test")


def rejected(folder) -> list[dict]:
    return pq.read_table(folder / "rejected.parquet").sort_by("row").to_pylist()


def test_a_log_becomes_histories_in_order_of_time(engine, tmp_path):
    log = {"user_id": ["b", "a", "b", "a"], "item_id": ["y", "x", "x", "z"], "day": [2, 0, 1, 0]}
    dataset = prepare(events_of(engine, log), None, WHOLE, tmp_path / "data")
    assert dataset.users.ids([1, 2]) == ["a", "b"]
    assert dataset.items.ids(dataset.histories.items_of(0)) == ["x", "z"]
    assert dataset.items.ids(dataset.histories.items_of(1)) == ["x", "y"]
    assert dataset.histories.timestamp.tolist() == [START, START, START + DAY, START + 2 * DAY]
    assert dataset.facts["time_range"] == ["2024-01-01T00:00:00+00:00", "2024-01-03T00:00:00+00:00"]
    assert Dataset.open(tmp_path / "data").data_hash == dataset.data_hash


def test_each_rejected_row_stands_with_its_ids_and_reason(engine, tmp_path):
    log = {
        "user_id": ["a", None, "a", "a", "a"],
        "item_id": ["x", "x", "x", "POST", "x"],
        "event_type": ["view", "view", "view", "view", None],
        "day": [0, 1, 0, 2, None],
        "price": [1, 2, 1, 4, 5],
    }
    dataset = prepare(events_of(engine, log), None, WHOLE, tmp_path / "data")
    rows = rejected(tmp_path / "data")
    assert [(row["row"], row["user_id"], row["item_id"], row["reason"]) for row in rows] == [
        (1, None, "x", "missing_user"),
        (2, "a", "x", "duplicate"),
        (3, "a", "POST", "not_a_product"),
        (4, "a", "x", "missing_time"),
    ]
    assert rows[0]["timestamp"] == datetime(2024, 1, 2, tzinfo=UTC)
    assert rows[3]["timestamp"] is None
    assert rows[3]["event_type"] is None
    assert [row["price"] for row in rows] == [2, 1, 4, 5]
    assert dataset.facts["rejected"] == {"missing_user": 1, "missing_time": 1, "not_a_product": 1, "duplicate": 1}
    assert dataset.items.ids([1]) == ["x"]
    assert dataset.n_items == 1


def test_counts_come_with_a_sentence_the_greatest_first():
    counts = rejection_counts({"rejected": {"bot": 3, "duplicate": 7}})
    assert [(count.reason, count.rows) for count in counts] == [(Reason.DUPLICATE, 7), (Reason.BOT, 3)]
    assert counts[1].explanation == EXPLANATIONS[Reason.BOT]
    assert set(EXPLANATIONS) == set(REASONS)


def test_facts_are_written_and_say_what_was_done(engine, tmp_path):
    log = {"user_id": ["a", "a"], "item_id": ["x", "x"], "day": [0, 0]}
    prepare(events_of(engine, log), None, PrepareSettings(), tmp_path / "data")
    facts = json.loads((tmp_path / "data" / "facts.json").read_text())
    assert facts["source"] == "a test"
    assert facts["settings"] == PrepareSettings().model_dump(mode="json")
    assert build(PrepareSettings, facts["settings"]) == PrepareSettings()
    assert (facts["rows_in"], facts["rows_kept"], facts["rows_rejected"]) == (2, 1, 1)
    assert [step["step"] for step in facts["steps"]] == [
        "rows", "items", "sort", "duplicates", "bots", "outliers", "returns"
    ]  # fmt: skip
    assert facts["cutoffs"] == {"train_until": START, "validation_until": START}


def test_steps_can_be_turned_off(engine, tmp_path):
    log = {
        "user_id": ["a"] * 4,
        "item_id": ["x", "x", "POST", "x"],
        "event_type": ["purchase", "purchase", "purchase", "return"],
        "day": [0, 0, 0, 1],
        "quantity": [-1, -1, 0, 1],
    }
    off = {
        "drop_duplicates": False,
        "drop_non_products": False,
        "net_returns": False,
        "bots": {"drop": False},
        "outliers": {"drop": False},
    }
    dataset = prepare(events_of(engine, log), None, build(PrepareSettings, off), tmp_path / "data")
    assert dataset.n_events == 4
    assert rejected(tmp_path / "data") == []


def test_catalog_quantities_prices_and_sessions_come_along(engine, tmp_path):
    log = {
        "user_id": ["b", "a", "a"],
        "item_id": ["x", "x", "y"],
        "event_type": ["purchase"] * 3,
        "day": [0, 1, 2],
        "quantity": [3, None, 5],
        "price": [0.5, 1.5, 2.5],
        "session_id": ["s", "s", None],
    }
    catalog = Catalog(pa.table({"item_id": ["x"], "title": ["Lamp"]}))
    dataset = prepare(events_of(engine, log), catalog, WHOLE, tmp_path / "data")
    assert np.array_equal(dataset.quantity, [np.nan, 5, 3], equal_nan=True)
    assert dataset.price.tolist() == [1.5, 2.5, 0.5]
    assert dataset.session_index.tolist() == [0, 1, 2]
    assert dataset.catalog.table.to_pylist() == catalog.table.to_pylist()


def placements_of(dataset: Dataset) -> list:
    return [[None, *dataset.placements.arrow.to_pylist()][code] for code in dataset.histories.placement]


def test_placements_come_along(engine, tmp_path):
    log = {"user_id": ["b", "a", "a", "a"], "item_id": ["x", "x", "y", None], "day": [0, 1, 2, 3],
           "placement": ["home", None, "cart", "nowhere"]}  # fmt: skip
    dataset = prepare(events_of(engine, log), None, WHOLE, tmp_path / "data")
    assert placements_of(dataset) == [None, "cart", "home"]
    assert dataset.placements.arrow.to_pylist() == ["cart", "home"]
    assert dataset.histories.placement.dtype == np.uint8


def test_a_log_without_a_known_placement_is_as_one_without_the_column(engine, tmp_path):
    log = {"user_id": ["b", "a"], "item_id": ["x", "x"], "day": [0, 1]}
    without = prepare(events_of(engine, log), None, WHOLE, tmp_path / "without")
    empty = prepare(events_of(engine, log | {"placement": [None, None]}), None, WHOLE, tmp_path / "empty")
    assert empty.placements is empty.histories.placement is without.placements is None
    assert empty.data_hash == without.data_hash
    files = [{file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("without", "empty")]
    assert files[0] == files[1]


def test_placements_are_those_of_training(engine, tmp_path):
    log = {"user_id": ["a", "b"] * 5, "item_id": ["x"] * 10, "day": range(10),
           "placement": ["home"] * 4 + ["mail"] * 4 + ["app"] * 2}  # fmt: skip
    dataset = prepare(events_of(engine, log), None, PrepareSettings(), tmp_path / "data")
    assert dataset.placements.arrow.to_pylist() == ["home", "mail"]
    assert sorted(placements_of(dataset), key=str) == [None] * 2 + ["home"] * 4 + ["mail"] * 4


@pytest.mark.parametrize(
    "log",
    [
        {"user_id": ["a"], "item_id": ["x"], "day": [0]},
        {"user_id": ["a"] * 3, "item_id": ["x", "y", "z"], "day": [0, 1, 2]},
        {"user_id": ["a", "b", "c"], "item_id": ["x"] * 3, "day": [0, 1, 2]},
    ],
    ids=["one event", "one user", "one item"],
)
def test_the_smallest_logs_are_valid(engine, tmp_path, log):
    dataset = prepare(events_of(engine, log), None, PrepareSettings(), tmp_path / "data")
    assert dataset.n_events == len(log["day"])
    assert dataset.n_users == len(set(log["user_id"]))
    assert dataset.n_items == len(set(log["item_id"]))


def test_an_empty_log_is_refused_and_leaves_nothing(engine, tmp_path):
    with pytest.raises(DataError, match="the log is empty"):
        prepare(events_of(engine, {"user_id": [], "item_id": [], "day": []}), None, WHOLE, tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def test_a_log_of_which_nothing_is_left_says_why(engine, tmp_path):
    log = {"user_id": [None, None, "a"], "item_id": ["x", "y", None], "day": [0, 1, 2]}
    with pytest.raises(DataError, match="3 rows, all rejected: 2 missing_user; 1 missing_item"):
        prepare(events_of(engine, log), None, WHOLE, tmp_path / "data")


def test_a_write_that_fails_leaves_the_dataset_of_before(engine, tmp_path):
    log = {"user_id": ["a"], "item_id": ["x"], "day": [0]}
    before = prepare(events_of(engine, log), None, WHOLE, tmp_path / "data").data_hash
    n = 20_000
    large = {"user_id": [f"u{place}" for place in range(n)], "item_id": ["x"] * n, "day": [0] * n}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    large_events = events_of(engine, large)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(ArtifactError, match="an earlier version there is unchanged"):
            prepare(large_events, None, WHOLE, tmp_path / "data")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Dataset.open(tmp_path / "data").data_hash == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_progress_is_told(engine, tmp_path):
    told = []

    class Listener:
        def start(self, title, total):
            told.append((title, total))

        def advance(self, steps=1, facts=None):
            told.append(steps)

        def finish(self):
            told.append("finish")

    log = {"user_id": ["a"], "item_id": ["x"], "day": [0]}
    prepare(events_of(engine, log), None, PrepareSettings(), tmp_path / "data", Listener())
    assert told == [("read", None), "finish", ("clean", 7), *[1] * 7, "finish"]


columns = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", None]),
        st.sampled_from(["x", "y", "POST", None]),
        st.sampled_from(["view", "purchase", "return", "nonsense", None]),
        st.sampled_from([0, 0.5, 1, 30, -99_999, None]),
        st.sampled_from([1.0, 2.0, 0.0, 1e6, None]),
    ),
    min_size=1,
    max_size=30,
)
every_step = st.builds(
    lambda kind, near, core: PrepareSettings(
        split=SplitSettings(kind=kind), near_duplicate_seconds=near, k_core={"min_user_events": core}
    ),
    st.sampled_from(["global_time", "ratio"]),
    st.sampled_from([0.0, DAY / 2e6]),
    st.integers(1, 3),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns, every_step)
def test_rows_in_are_rows_kept_and_rows_rejected(engine, tmp_path, rows, every):
    names = ("user_id", "item_id", "event_type", "day", "quantity")
    events = events_of(engine, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    try:
        dataset = prepare(events, None, every, tmp_path / "data")
    except DataError as error:
        assert "no event is left" in str(error)
        return
    gone = rejected(tmp_path / "data")
    assert len({row["row"] for row in gone}) == len(gone)
    assert dataset.n_events + len(gone) == len(rows) == dataset.facts["rows_in"]
    assert dataset.facts["rows_rejected"] == sum(dataset.facts["rejected"].values()) == len(gone)
    for row in gone:
        source = rows[row["row"]]
        assert (row["user_id"], row["item_id"]) == source[:2]


def shop_log(n: int, rng: np.random.Generator) -> dict:
    """A log with everything in it that a step looks for: bots, wild quantities and prices, returns, rare ids."""
    users = np.array([f"u{number}" for number in rng.integers(0, n // 12, n)])
    day = np.sort(rng.integers(0, 40, n))
    users[np.isin(day, [3, 38]) & (rng.random(n) < 0.5)] = "bot"
    return {
        "user_id": users.tolist(),
        "item_id": ["POST" if number > 80 else f"x{number}" for number in rng.zipf(1.5, n) % 90],
        "event_type": rng.choice(["view", "purchase", "return"], n, p=[0.3, 0.55, 0.15]).tolist(),
        "day": day.tolist(),
        "quantity": rng.choice([1, 2, 3, 1000], n, p=[0.6, 0.2, 0.19, 0.01]).tolist(),
        "price": np.exp(rng.normal(1, 1, n)).tolist(),
        "placement": [f"p{number}" for number in rng.zipf(1.2, n) % 600],
    }


def training_part(dataset: Dataset, until: int) -> list[tuple]:
    histories = dataset.histories
    users, items = dataset.users.ids(histories.rows + 1), dataset.items.ids(histories.item_index)
    rows = zip(users, items, histories.event_type.tolist(), histories.timestamp.tolist(), dataset.quantity.tolist(),
               dataset.price.tolist(), placements_of(dataset), strict=True)  # fmt: skip
    return [row for row in rows if row[3] < until]


def test_shuffling_the_future_changes_nothing_of_training(engine, tmp_path):
    rng = np.random.default_rng(0)
    log = shop_log(3000, rng)
    every = PrepareSettings(
        near_duplicate_seconds=1,
        bots={"events_a_day": 10},
        outliers={"deviations": 2.5, "least_factor": 2},
        k_core={"min_user_events": 4, "min_item_events": 5},
    )
    dataset = prepare(events_of(engine, log), None, every, tmp_path / "data")
    until = dataset.facts["cutoffs"]["train_until"]
    expected = training_part(dataset, until)
    found = set(dataset.facts["rejected"])
    assert {"bot", "quantity_outlier", "price_outlier", "returned", "rare_user", "rare_item", "not_a_product"} <= found
    assert 500 < len(expected) < dataset.n_events
    future = np.flatnonzero(np.array(log["day"]) * DAY + START >= until)
    shuffled = {name: np.array(values, dtype=object) for name, values in log.items()}
    for name in ("user_id", "item_id", "event_type", "quantity", "price", "placement"):
        shuffled[name][future] = rng.permutation(shuffled[name][future])
    shuffled["user_id"][future[:20]] = expected[0][0]  # becomes a bot
    shuffled["price"][future[20:]] *= 7
    shuffled["placement"][future[20:]] = "p599"  # becomes the most frequent
    again = prepare(events_of(engine, {k: v.tolist() for k, v in shuffled.items()}), None, every, tmp_path / "again")
    assert again.facts["cutoffs"] == dataset.facts["cutoffs"]
    assert training_part(again, until) == expected
    assert again.placements == dataset.placements
    assert again.data_hash != dataset.data_hash


def test_the_split_uses_the_recorded_moments(engine, tmp_path):
    rng = np.random.default_rng(1)
    every = PrepareSettings(k_core={"min_user_events": 2, "min_item_events": 2})
    dataset = prepare(events_of(engine, shop_log(2000, rng)), None, every, tmp_path / "data")
    parts = split(dataset, every.split)
    until = dataset.facts["cutoffs"]["train_until"]
    assert parts.train.histories.timestamp.max() < until
    assert parts.train.n_events == np.count_nonzero(dataset.histories.timestamp < until)
    assert parts.train.item_counts()[1:].min() >= 2


def test_explicit_moments_and_other_splits(engine, tmp_path):
    log = {"user_id": ["a"] * 4, "item_id": ["x"] * 4, "day": [0, 1, 2, 3]}
    moments = SplitSettings(train_until=datetime(2024, 1, 3, tzinfo=UTC), validation_until=datetime(2024, 1, 4))
    given_moments = prepare(events_of(engine, log), None, PrepareSettings(split=moments), tmp_path / "data")
    assert given_moments.facts["cutoffs"] == {"train_until": START + 2 * DAY, "validation_until": START + 3 * DAY}
    assert "cutoffs" not in prepare(events_of(engine, log), None, WHOLE, tmp_path / "data").facts


@pytest.mark.shared_data
def test_online_retail_adds_up(shared_data, tmp_path):
    from shopkeeper.data.events import EventsSettings

    names = {"user_id": "CustomerID", "item_id": "StockCode", "timestamp": "InvoiceDate", "quantity": "Quantity",
             "price": "UnitPrice", "session_id": "InvoiceNo"}  # fmt: skip
    read = EventsSettings(event_type="purchase", columns=names)
    events = Events.read(shared_data / "online-retail" / "online_retail.parquet", read)
    dataset = prepare(events, Catalog.from_events(events), PrepareSettings(), tmp_path / "data")
    facts = dataset.facts
    assert facts["rows_in"] == 541_909 == facts["rows_kept"] + facts["rows_rejected"]
    assert facts["rejected"]["missing_user"] == 135_080
    assert dataset.n_events == facts["rows_kept"]
    assert pq.read_metadata(tmp_path / "data" / "rejected.parquet").num_rows == facts["rows_rejected"]
