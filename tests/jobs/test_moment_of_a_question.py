"""A shop that is visited seldom: what is said at any moment comes, and a predictor of visits refuses to say it."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from visits import prepared

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import DataError
from shopkeeper.jobs.predict import Asker
from shopkeeper.jobs.predict_file import predict_to_file
from shopkeeper.jobs.predict_pairs import NOT_GIVEN, Crossed, FileOfPairs
from shopkeeper.jobs.select import select
from shopkeeper.jobs.select_report import selection_inputs
from shopkeeper.jobs.select_results import selection_json
from shopkeeper.jobs.select_settings import BehaviorSettings
from shopkeeper.jobs.tune_goal import Budget
from shopkeeper.pipeline.expected_value import Ranking
from shopkeeper.pipeline.settings import RankingSettings
from shopkeeper.predictors.base import Predictor

pytest.importorskip("sklearn")
pytest.importorskip("optuna")
DAY = 86_400_000_000
START = datetime(2026, 1, 1)
DAYS, EVERY, N_ITEMS = 240, 30, 12


def shop() -> pa.Table:
    """Shoppers who come once in about 30 days, by chance, and take two things that they like; some carts before."""
    rng = random.Random(12)
    rows = []
    for user in range(350):
        taste = [rng.gammavariate(0.4, 1) + 1e-6 for _ in range(N_ITEMS)]
        day = rng.expovariate(1 / EVERY)
        while day < DAYS:
            at = START + timedelta(seconds=int(day * 86_400))
            for item in sorted({rng.choices(range(N_ITEMS), taste)[0] for _ in range(2)}):
                if item % 3 == 0:
                    rows.append((f"u{user}", f"i{item}", "cart", at - timedelta(hours=1)))
                rows.append((f"u{user}", f"i{item}", "purchase", at))
            day += rng.expovariate(1 / EVERY)
    names = ("user_id", "item_id", "event_type", "timestamp")
    return pa.table({name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)})


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    catalog = pa.table({"item_id": [f"i{item}" for item in range(N_ITEMS)], "available": [True] * N_ITEMS})
    return prepared(tmp_path_factory.mktemp("slow") / "data", shop(), catalog)


def chosen(dataset: Dataset, folder: Path, **examples: Any) -> Any:
    settings = BehaviorSettings(
        examples=ExampleSettings(**examples), models=("LogisticRegression",), max_examples=30_000
    )
    return select(dataset, settings, SplitSettings(), folder, Budget(60.0, 1))


@pytest.fixture(scope="module")
def of_any(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return chosen(dataset, tmp_path_factory.mktemp("any"))


@pytest.fixture(scope="module")
def of_visits(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return chosen(dataset, tmp_path_factory.mktemp("visit"), moment="visit", moments_a_user=2)


def model_of(found: Any) -> Predictor:
    predictor: Predictor = found.kept["LogisticRegression"].predictor
    return predictor


def said_and_came(dataset: Dataset, predictor: Predictor, moment: Any) -> tuple[float, int]:
    """Sums over all pairs at four moments of the end; what came is counted in the table of events itself."""
    log = dataset.histories
    bought = sorted(
        (int(user), int(item), int(time))
        for user, item, kind, time in zip(log.rows + 1, log.item_index, log.event_type, log.timestamp, strict=True)
        if kind == 5
    )
    said, came = 0.0, 0
    for back in (7, 14, 21, 28):
        at = int(log.timestamp.max()) + 1 - back * DAY
        asker = Asker(predictor, dataset, at, moment=moment)
        users, items = asker.active_users(), asker.candidate_items()
        user, item = np.repeat(users, len(items)), np.tile(items, len(users))
        said += float(asker.predict(user, item).sum())
        for pair in zip(user.tolist(), item.tolist(), strict=True):
            first, last = bisect_left(bought, (*pair, at)), bisect_right(bought, (*pair, at + 7 * DAY - 1))
            came += last > first
    return said, came


def test_at_any_moment_as_much_comes_as_is_said(dataset: Dataset, of_any: Any, of_visits: Any) -> None:
    said, came = said_and_came(dataset, model_of(of_any), "any")
    assert 0.75 < said / came < 1.33
    at_visits, _ = said_and_came(dataset, model_of(of_visits), "visit")
    assert at_visits > 3 * came  # the other question


def test_the_leaderboard_says_it_as_asked(of_any: Any) -> None:
    (entry,) = of_any.board.entries
    asked = entry.as_asked
    assert asked is not None and asked.pairs_rate == 1 and asked.moments == 4
    assert asked.said == pytest.approx(sum(one.said for one in asked.deciles))
    assert asked.came == sum(one.came for one in asked.deciles) == of_any_came(of_any)
    assert 0.7 < asked.ratio < 1.4
    assert asked.low < asked.ratio < asked.high
    found = selection_json(of_any)["models"]["LogisticRegression"]["as_asked"]
    assert found["ratio"] == asked.ratio and len(found["deciles"]) == 10
    text = of_any.board.to_text()
    assert "asked at any moment" in text and f"{asked.ratio:.2f} [" in text


def of_any_came(found: Any) -> int:
    """What came of the whole question of the test part, from the table of events itself."""
    table, (start, until) = shop(), found.parts.moments["test"]
    rows = [
        (user, item, int((time - datetime(1970, 1, 1)).total_seconds()) * 1_000_000)
        for user, item, kind, time in zip(*table.to_pydict().values(), strict=True)
        if kind == "purchase"
    ]
    seen = {(user, time) for user, _, time in rows}
    moments = {int(one) for one in found.parts.test.timestamp}
    ordered = sorted(moments)
    places = sorted({round(one) for one in np.linspace(0, len(ordered) - 1, 4)})
    assert ordered[-1] == until - 7 * DAY and ordered[0] >= start
    came = 0
    for at in (ordered[place] for place in places):
        active = {user for user, time in seen if at - 90 * DAY <= time < at}
        came += len({(user, item) for user, item, time in rows if user in active and at <= time < at + 7 * DAY})
    return came


def test_the_page_has_the_deciles(dataset: Dataset, of_any: Any) -> None:
    pytest.importorskip("altair")
    from shopkeeper.evaluation.behavior_report.sections.asked import asked_section
    from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings

    section = asked_section(selection_inputs(of_any, dataset), BehaviorReportSettings())
    assert section is not None
    page = str(section.body)
    assert page.count("<tr>") >= 1 + 1 + 1 + 10 and "tenth of what was said" in page


def test_what_was_not_learned_is_refused(dataset: Dataset, of_any: Any, of_visits: Any) -> None:
    with pytest.raises(DataError, match="select DATASET --moment any"):
        Asker(model_of(of_visits), dataset)
    with pytest.raises(DataError, match="select DATASET --moment visit"):
        Asker(model_of(of_any), dataset, moment="visit")
    with pytest.raises(DataError, match="learned what comes after any moment"):
        Ranking(model_of(of_any), RankingSettings(by="probability"), dataset)


def test_the_moment_is_kept_and_an_earlier_file_is_of_visits(of_any: Any, of_visits: Any, tmp_path: Path) -> None:
    model_of(of_any).save(tmp_path / "any")
    assert Predictor.load(tmp_path / "any").settings.moment == "any"  # type: ignore[union-attr]
    model_of(of_visits).save(tmp_path / "visit")
    file = tmp_path / "visit" / "predictor.json"
    if file.exists():
        assert '"moment": "visit"' in file.read_text()


def test_given_an_event_nothing_is_said_of_other_pairs(dataset: Dataset, tmp_path: Path) -> None:
    from shopkeeper.data.examples.make import make_examples
    from shopkeeper.data.point_in_time.features import with_features
    from shopkeeper.predictors.logistic_regression import LogisticRegression

    settings = ExampleSettings(given="cart", active_days=30)
    model = LogisticRegression().fit(with_features(dataset, make_examples(dataset, settings)))
    asker = Asker(model, dataset)
    users, items = asker.active_users(), asker.candidate_items()
    pairs = Crossed(asker, users, items)
    predict_to_file(asker, pairs, tmp_path / "all.parquet")
    found = pq.read_table(tmp_path / "all.parquet")
    table = shop().to_pydict()
    end = max(table["timestamp"])
    carts = {
        (user, item)
        for user, item, kind, time in zip(*table.values(), strict=True)
        if kind == "cart" and time > end - timedelta(days=30)
    }
    assert set(zip(*(found.column(name).to_pylist() for name in ("user_id", "item_id")), strict=True)) == carts
    assert pairs.left_out == len(users) * len(items) - len(carts)
    assert b'"moment": "any"' in found.schema.metadata[b"shopkeeper"]
    without = next((u, "i1") for u in dataset.users.ids([1, 2]))
    with pytest.raises(DataError, match="with a cart in the 30 days before"):
        asker.one(*without)
    some = [*sorted(carts)[:2], without]
    rows = pa.table({"user_id": [user for user, _ in some], "item_id": [item for _, item in some]})
    pa_csv.write_csv(rows, tmp_path / "pairs.csv")
    opened = FileOfPairs.open(tmp_path / "pairs.csv", asker)
    assert predict_to_file(asker, opened, tmp_path / "some.parquet") == 2
    assert opened.rejected.counts == {NOT_GIVEN: 1}
