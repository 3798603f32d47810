"""Asking a saved predictor: one pair, a file, all shoppers with items; as of a moment; of what nobody knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from visits import prepared, visit_tables

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.errors import ArtifactError, DataError, UnknownIdError
from shopkeeper.jobs import predict_pairs
from shopkeeper.jobs.predict import Asker, load_asker
from shopkeeper.jobs.predict_file import predict_to_file
from shopkeeper.jobs.predict_pairs import Crossed, FileOfPairs
from shopkeeper.predictors.logistic_regression import LogisticRegression
from shopkeeper.predictors.naive_bayes import NaiveBayes

pytest.importorskip("sklearn")
DAY = 86_400_000_000


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return prepared(tmp_path_factory.mktemp("visits") / "data")


@pytest.fixture(scope="module")
def asker(dataset: Dataset) -> Asker:
    examples = make_examples(dataset, ExampleSettings(days=2, negatives=5))
    return Asker(LogisticRegression().fit(with_features(dataset, examples)), dataset)


def rows_of(file: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(file).to_pylist()
    return rows


def test_one_pair_a_file_and_all_say_the_same(asker: Asker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict_pairs, "BLOCK", 7)
    users, items = asker.active_users(), asker.candidate_items()
    n = predict_to_file(asker, Crossed(asker, users, items), tmp_path / "all.parquet")
    found = rows_of(tmp_path / "all.parquet")
    assert n == len(found) == len(users) * len(items)
    pq.write_table(
        pa.table({name: [row[name] for row in found[:30]] for name in ("user_id", "item_id")}),
        tmp_path / "some.parquet",
    )
    predict_to_file(asker, FileOfPairs.open(tmp_path / "some.parquet", asker), tmp_path / "again.parquet")
    again = rows_of(tmp_path / "again.parquet")
    assert [(row["user_id"], row["item_id"]) for row in again] == [(r["user_id"], r["item_id"]) for r in found[:30]]
    for row, other in zip(again, found, strict=False):
        assert row["probability"] == pytest.approx(other["probability"])
        assert asker.one(str(row["user_id"]), str(row["item_id"])).value == pytest.approx(row["probability"])


def test_as_of_a_moment_the_future_does_not_count(dataset: Dataset, asker: Asker) -> None:
    time = np.asarray(dataset.histories.timestamp)
    moment = int(time.min()) + 20 * DAY
    then = Asker(asker.predictor, dataset, moment)
    only = Asker(asker.predictor, dataset.select(time < moment), moment)
    user = np.repeat(then.active_users(), 3)
    item = np.tile(then.candidate_items(popular=3), len(user) // 3)
    np.testing.assert_array_equal(only.active_users(), then.active_users())
    np.testing.assert_array_equal(only.candidate_items(popular=3), then.candidate_items(popular=3))
    np.testing.assert_array_equal(then.predict(user, item), only.predict(user, item))
    now = asker.predict(user, item)
    assert (now != then.predict(user, item)).any()


def test_a_file_may_give_each_pair_its_moment(asker: Asker, tmp_path: Path) -> None:
    user = str(asker.dataset.users.ids([1])[0])
    (tmp_path / "pairs.csv").write_text(
        f"customer,sku,date\n{user},sku-005,2025-03-10\n{user},sku-005,2025-03-30T12:00:00\n"
    )
    predict_to_file(asker, FileOfPairs.open(tmp_path / "pairs.csv", asker), tmp_path / "out.parquet")
    early, late = rows_of(tmp_path / "out.parquet")
    at = int(np.datetime64("2025-03-10", "us").astype(np.int64))
    assert early["probability"] == pytest.approx(Asker(asker.predictor, asker.dataset, at).one(user, "sku-005").value)
    assert early["probability"] != late["probability"]
    assert str(late["timestamp"]).startswith("2025-03-30 12:00")


def test_no_row_sees_beyond_the_moment_of_all(dataset: Dataset, asker: Asker, tmp_path: Path) -> None:
    user = str(dataset.users.ids([1])[0])
    (tmp_path / "pairs.csv").write_text(
        f"user_id,item_id,timestamp\n{user},sku-005,2025-03-10\n{user},sku-005,2025-03-25\n{user},sku-006,2025-03-20\n"
        f"{user},sku-007,2025-03-20T00:00:00.000001\n"
    )
    at = int(np.datetime64("2025-03-20", "us").astype(np.int64))
    then = Asker(asker.predictor, dataset, at)
    pairs = FileOfPairs.open(tmp_path / "pairs.csv", then)
    assert predict_to_file(then, pairs, tmp_path / "out.parquet") == 2
    assert pairs.rejected.counts == {predict_pairs.BEYOND: 2}
    assert pairs.rejected.examples == [(2, predict_pairs.BEYOND)]
    found = rows_of(tmp_path / "out.parquet")
    assert [row["item_id"] for row in found] == ["sku-005", "sku-006"]
    only = Asker(asker.predictor, dataset.select(np.asarray(dataset.histories.timestamp) < at), at)
    assert found[1]["probability"] == pytest.approx(only.one(user, "sku-006").value)
    left_out = rows_of(tmp_path / "out.rejected.parquet")
    assert [(row["row"], row["item_id"], row["reason"]) for row in left_out] == [
        (1, "sku-005", predict_pairs.BEYOND), (3, "sku-007", predict_pairs.BEYOND),
    ]  # fmt: skip
    with pytest.raises(DataError, match="after that of all"):
        then.predict(np.array([1], np.int32), np.array([1], np.int32), np.array([at + 1]))
    predict_to_file(asker, FileOfPairs.open(tmp_path / "pairs.csv", asker), tmp_path / "out.parquet")
    assert len(rows_of(tmp_path / "out.parquet")) == 4  # as of the end of the log none is late
    assert not (tmp_path / "out.rejected.parquet").exists()


def test_times_after_the_log_are_answered_and_told(asker: Asker, tmp_path: Path) -> None:
    user = str(asker.dataset.users.ids([1])[0])
    (tmp_path / "pairs.csv").write_text(
        f"user_id,item_id,timestamp\n{user},sku-005,2025-03-10\n{user},sku-005,2030-01-01\n"
    )
    pairs = FileOfPairs.open(tmp_path / "pairs.csv", asker)
    assert predict_to_file(asker, pairs, tmp_path / "out.parquet") == 2
    assert pairs.after_log == 1


def test_rows_that_cannot_be_answered_are_counted_and_named(asker: Asker, tmp_path: Path) -> None:
    user = str(asker.dataset.users.ids([1])[0])
    (tmp_path / "pairs.csv").write_text(
        f"user_id,item_id,timestamp\n{user},sku-005,2025-03-10\n,sku-005,2025-03-10\n{user},,2025-03-10\n"
        f"{user},sku-999,2025-03-10\n{user},sku-005,soon\nnobody,sku-005,2025-03-10\n"
    )
    pairs = FileOfPairs.open(tmp_path / "pairs.csv", asker)
    assert predict_to_file(asker, pairs, tmp_path / "out.parquet", explain=True) == 2
    assert pairs.rejected.counts == {
        predict_pairs.NO_USER: 1, predict_pairs.NO_ITEM: 1, predict_pairs.UNKNOWN_ITEM: 1, predict_pairs.NO_TIME: 1,
    }  # fmt: skip
    assert dict(pairs.rejected.examples) == {
        2: predict_pairs.NO_USER, 3: predict_pairs.NO_ITEM, 4: predict_pairs.UNKNOWN_ITEM, 5: predict_pairs.NO_TIME,
    }  # fmt: skip
    assert pairs.new_shoppers == 1
    found = rows_of(tmp_path / "out.parquet")
    assert found[1]["user_id"] == "nobody"
    assert all(words.endswith(".") and "_" not in words for words in found[0]["reasons"])


def test_a_file_of_nothing_leaves_an_earlier_one(asker: Asker, tmp_path: Path) -> None:
    (tmp_path / "out.parquet").write_text("earlier")
    (tmp_path / "pairs.csv").write_text("user_id,item_id\nc1,sku-999\n")
    assert predict_to_file(asker, FileOfPairs.open(tmp_path / "pairs.csv", asker), tmp_path / "out.parquet") == 0
    assert (tmp_path / "out.parquet").read_text() == "earlier"
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ArtifactError, match="cannot write"):
        users = asker.active_users()[:2]
        predict_to_file(asker, Crossed(asker, users, asker.candidate_items()), tmp_path / "taken" / "out.parquet")
    (tmp_path / "wrong.csv").write_text("user_id,thing\nc1,sku-005\n")
    with pytest.raises(DataError, match="no column for item_id"):
        predict_to_file(asker, FileOfPairs.open(tmp_path / "wrong.csv", asker), tmp_path / "out.parquet")


def test_candidates_are_available_or_popular_or_given(asker: Asker) -> None:
    every = asker.dataset.items.ids(asker.candidate_items())
    assert len(every) == 15  # each fourth is not available
    assert "sku-004" not in every
    assert len(asker.candidate_items(popular=4)) == 4
    assert asker.dataset.items.ids(asker.candidate_items(["sku-004", "sku-004"])) == ["sku-004"]
    with pytest.raises(UnknownIdError, match="unknown"):
        asker.candidate_items(["sku-005", "sku-999"])


# What nobody knows


def test_new_shoppers_and_items_get_answers_and_unknown_items_an_error(tmp_path: Path) -> None:
    events, catalog = visit_tables()
    new = pa.table(
        {
            "item_id": ["sku-900", "sku-901"], "title": ["New", "Odd"], "category": ["Sea > Boats", None],
            "price": [5.0, float("inf")], "available": [True, None],
        }
    )  # fmt: skip
    dataset = prepared(tmp_path / "data", events, pa.concat_tables([catalog, new]))
    for model in (NaiveBayes(), LogisticRegression()):
        examples = make_examples(dataset, ExampleSettings(days=2, negatives=5))
        asker = Asker(model.fit(with_features(dataset, examples)), dataset)
        for item in ("sku-900", "sku-901"):  # a category that training has not seen; no category, no price
            found = asker.one("nobody", item, k=3)
            assert 0 <= found.value <= 1
            assert not found.known
            assert all(np.isfinite(reason.effect) for reason in found.reasons)
        with pytest.raises(UnknownIdError, match="neither the log nor the catalog knows"):
            asker.one("c1", "sku-999")
        assert {"sku-900", "sku-901"} <= set(asker.dataset.items.ids(asker.candidate_items()))
    with pytest.raises(DataError, match="no event before"):
        Asker(model, dataset, 0)


def test_predictors_of_shoppers_need_no_item(dataset: Dataset, tmp_path: Path) -> None:
    settings = ExampleSettings(target="churn", days=3, every_days=3)
    NaiveBayes().fit(with_features(dataset, make_examples(dataset, settings))).save(tmp_path / "model")
    asker = load_asker(tmp_path / "model", dataset)
    users = asker.active_users()
    assert predict_to_file(asker, Crossed(asker, users, users[:0]), tmp_path / "out.parquet") == len(users)
    first = rows_of(tmp_path / "out.parquet")[0]
    assert set(first) == {"user_id", "probability", "known"}
    assert asker.one(str(first["user_id"])).value == pytest.approx(first["probability"])
    pa_csv.write_csv(pa.table({"user_id": [first["user_id"]]}), tmp_path / "who.csv")
    predict_to_file(asker, FileOfPairs.open(tmp_path / "who.csv", asker), tmp_path / "who.parquet")
    assert rows_of(tmp_path / "who.parquet")[0]["probability"] == pytest.approx(first["probability"])
    with pytest.raises(DataError, match="about shoppers"):
        asker.one("c1", "sku-005")


def test_the_placement_counts_where_the_log_knows_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 1500
    user, item, home = rng.integers(0, 50, n), rng.integers(0, 8, n), rng.random(n) < 0.5
    time = 1_740_800_000 + rng.integers(0, 30 * 86_400, n)
    clicked = rng.random(n) < np.where(home, 0.5, 0.05)
    events = pa.table(
        {
            "user_id": np.concatenate([user, user[clicked]]), "item_id": np.concatenate([item, item[clicked]]),
            "event_type": np.repeat(["impression", "view"], [n, clicked.sum()]),
            "timestamp": np.concatenate([time, time[clicked] + 5]),
            "placement": np.where(np.concatenate([home, home[clicked]]), "home", "mail"),
        }
    )  # fmt: skip
    dataset = prepared(tmp_path / "data", events, pa.table({"item_id": list(range(8))}))
    examples = make_examples(dataset, ExampleSettings(target="view", days=1, moment="visit"))
    model = NaiveBayes().fit(with_features(dataset, examples))
    home_page, mail = (
        Asker(model, dataset, placement=name, moment="visit").one(1, 1).value for name in ("home", "mail")
    )
    assert home_page > 2 * mail
    assert 0 < Asker(model, dataset, moment="visit").one(1, 1).value < 1
    with pytest.raises(DataError, match="did you mean 'home'"):
        Asker(model, dataset, moment="visit", placement="homes")


def test_ids_of_another_kind_are_said(tmp_path: Path, asker: Asker) -> None:
    events, catalog = visit_tables()
    numbers = events.set_column(0, "user_id", pa.array([int(one[1:]) for one in events.column("user_id").to_pylist()]))
    dataset = prepared(tmp_path / "data", numbers, catalog)
    (tmp_path / "pairs.csv").write_text("user_id,item_id\nc7,sku-005\n")
    other = Asker(asker.predictor, dataset)
    with pytest.raises(DataError, match="another kind"):
        predict_to_file(other, FileOfPairs.open(tmp_path / "pairs.csv", other), tmp_path / "out.parquet")
    (tmp_path / "pairs.csv").write_text("user_id,item_id\n7,sku-005\n")
    predict_to_file(other, FileOfPairs.open(tmp_path / "pairs.csv", other), tmp_path / "out.parquet")
    assert rows_of(tmp_path / "out.parquet")[0]["user_id"] == 7
