"""A new habit is learned and promoted; what is broken is refused, and the old bundle stays byte for byte."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import log_loss
from trends import AFTER, APRIL, BEFORE, DAY, HALF, USUAL, habit_events, make_bundle_of_shop, usual_events

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings, Moment
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.data.schema import EventType
from shopkeeper.errors import DataError
from shopkeeper.jobs.evaluate import evaluate_bundles
from shopkeeper.jobs.export import Exported, export_events
from shopkeeper.jobs.predictors import attach
from shopkeeper.jobs.retrain import retrain as line
from shopkeeper.jobs.retrain.predictors import tried_of
from shopkeeper.jobs.retrain.retrain import RECORD, Inputs, Retrained, retrain
from shopkeeper.jobs.retrain.settings import settings_of_bundle
from shopkeeper.jobs.retrain.trial import hold_trial
from shopkeeper.jobs.select_parts import make_parts
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.metrics.classification import SMALLEST
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.predictors.naive_bayes import NaiveBayes
from shopkeeper.serving.event_store.item_changes import REMOVED, ItemChange, ItemChanges
from shopkeeper.serving.event_store.records import IdKinds, ShopEvent
from shopkeeper.serving.event_store.store import EventStore

TEXT_IDS = IdKinds(user_integer=False, item_integer=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    make_bundle_of_shop(folder)
    return folder


@pytest.fixture
def shop(trained: Path, tmp_path: Path) -> Path:
    """A copy for each test: who is forgotten is taken out of the bundle that goes on."""
    shutil.copytree(trained, tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    opened = EventStore.open(tmp_path / "shop.db", TEXT_IDS)
    yield opened
    opened.close()


def settings_for(bundle: Path) -> ShopSettings:
    values = settings_of_bundle(Bundle.load(bundle))
    return build(ShopSettings, {**values, "retrain": {**values["retrain"], "keep_files": True}})


def run(shop: Path, store: EventStore, tmp_path: Path, **more: object) -> Retrained:
    inputs = Inputs(shop / "bundle", store, **more)  # type: ignore[arg-type]
    return retrain(inputs, settings_for(shop / "bundle"), tmp_path / "new", tmp_path / "work")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def next_after(bundle: Path, item_id: str) -> str:
    return str(Bundle.load(bundle).pipeline.recommend(histories=[[item_id]], k=1).ids(0)[0])


def failed(result: Retrained) -> list[str]:
    return [check.name for check in result.failed]


def test_a_new_habit_is_learned_and_promoted(shop: Path, store: EventStore, tmp_path: Path) -> None:
    assert next_after(shop / "bundle", BEFORE) == USUAL
    store.add(habit_events())
    result = run(shop, store, tmp_path)
    assert failed(result) == []
    assert result.promoted
    assert next_after(tmp_path / "new", BEFORE) == AFTER
    new, old = Bundle.load(tmp_path / "new"), Bundle.load(shop / "bundle")
    assert new.card.store is not None
    assert new.card.store.model_copy(update={"mark": None}) == store.position()
    assert new.card.model == old.card.model
    assert result.trial is not None
    assert result.trial.new.value("ndcg", 10) > result.trial.old.value("ndcg", 10)
    record = json.loads((tmp_path / "work" / RECORD).read_text())
    assert record["promoted"]
    assert {check["name"] for check in record["checks"]} == {check.name for check in result.checks}
    assert {row["model"] for row in record["figures"]} >= {"new", "old", "most popular", "promoted"}
    fitted = new.card.fitted_on
    assert fitted["served"]["part"] == "whole log"
    assert fitted["measured"]["part"] == "training part"
    assert fitted["served"]["events"] == new.card.data["events"] == new.pipeline.memory.n_events
    assert fitted["measured"]["events"] == new.card.data["training_events"] < new.card.data["events"]
    assert not new.card.not_measured
    seen = {row["model"]: (row["fitted_on"], row["answers_seen"]) for row in new.card.retrain["figures"]}
    assert seen["new"] == seen["old"] == ("training part", False)
    assert seen["promoted"] == ("whole log", True)


def flood(how: str) -> list[ShopEvent]:
    """Thousands of events of one user, as a script would send them."""
    last = APRIL + 31 * DAY
    items = {
        "one item": ["sku-020"] * 6000,
        "items that nobody knows": [f"made-up-{n}" for n in range(6000)],
        "the same again": ["sku-020"] * 6000,
        "slowly": ["sku-020" if n % 2 else "sku-011" for n in range(4000)],
        "two in turn": ["sku-020" if n % 2 else "sku-011" for n in range(6000)],
    }[how]
    step = {"the same again": 0, "slowly": DAY // 400}.get(how, 1_000_000)
    first = APRIL if how == "slowly" else last
    return [ShopEvent(f"flood-{n}", "bot", item, EventType.VIEW, first + n * step) for n, item in enumerate(items)]


@pytest.mark.parametrize("how", ["one item", "items that nobody knows", "the same again", "slowly", "two in turn"])
def test_a_flood_of_one_user_neither_stops_learning_nor_is_learned(
    shop: Path, store: EventStore, tmp_path: Path, how: str
) -> None:
    store.add(habit_events())
    store.add(flood(how))
    result = run(shop, store, tmp_path)
    assert failed(result) == []
    assert result.promoted
    assert next_after(tmp_path / "new", BEFORE) == AFTER
    assert next_after(tmp_path / "new", "sku-011") == "sku-012"
    popular = Bundle.load(tmp_path / "new").pipeline.recommend(histories=[[]], k=3)
    assert "sku-020" not in popular.ids(0)


def test_events_age_out(shop: Path, store: EventStore, tmp_path: Path) -> None:
    store.add(habit_events())
    settings = settings_for(shop / "bundle").replace(retrain={"max_age_days": 25, "keep_files": True})
    result = retrain(Inputs(shop / "bundle", store), settings, tmp_path / "new", tmp_path / "work")
    assert failed(result) == []
    times = pq.read_table(tmp_path / "work" / "log.parquet").column("timestamp").to_numpy()
    newest = max(event.timestamp for event in habit_events())
    assert times.astype("datetime64[us]").astype(np.int64).min() >= newest - 25 * DAY
    kept = sum(event.timestamp >= newest - 25 * DAY for event in habit_events())
    assert len(times) == kept
    assert result.combined is not None and result.combined.aged == Bundle.load(shop / "bundle").card.data["events"]


def test_what_was_tried_can_be_asked_later_and_evaluated(shop: Path, store: EventStore, tmp_path: Path) -> None:
    store.add(habit_events())
    result = run(shop, store, tmp_path)
    assert result.trial is not None
    new, data = Bundle.load(tmp_path / "new"), Dataset.open(tmp_path / "work" / "dataset")
    settings = settings_for(shop / "bundle")
    again = hold_trial(new.tried.pipeline, Bundle.load(shop / "bundle"), data, settings)
    assert again.new.value("ndcg", 10) == pytest.approx(result.trial.new.value("ndcg", 10), abs=1e-6)
    board = evaluate_bundles([new], data, settings, baselines=()).leaderboard
    measured = next(entry for entry in board.entries if entry.name == new.pipeline.name)
    assert measured.evaluation.value("ndcg", 10) == pytest.approx(result.trial.new.value("ndcg", 10), abs=1e-6)


def test_without_refit_the_models_of_the_trial_are_promoted(shop: Path, store: EventStore, tmp_path: Path) -> None:
    store.add(habit_events())
    settings = settings_for(shop / "bundle").replace(retrain={"refit": False})
    assert retrain(Inputs(shop / "bundle", store), settings, tmp_path / "new", tmp_path / "work").promoted
    new = Bundle.load(tmp_path / "new")
    assert new.trial is None
    assert new.card.fitted_on["served"] == new.card.fitted_on["measured"]
    assert new.pipeline.train.n_items == new.card.data["training_items"]


def with_predictor(shop: Path, tmp_path: Path, days: float, moment: Moment = "any") -> Path:
    """A bundle with a predictor of purchases within so many days, fitted on its log."""
    bundle = Bundle.load(shop / "bundle")
    bundle.save(tmp_path / "served")
    log = bundle.pipeline.memory
    examples = with_features(log, make_examples(log, ExampleSettings(target="purchase", days=days, moment=moment)))
    NaiveBayes().fit(examples).save(tmp_path / "purchase")
    attach(tmp_path / "served", [tmp_path / "purchase"])
    return tmp_path / "served"


@pytest.mark.parametrize("moment", get_args(Moment))
def test_predictors_are_fitted_anew_and_asked_beside_the_old_ones(
    shop: Path, store: EventStore, tmp_path: Path, moment: Moment
) -> None:
    served = with_predictor(shop, tmp_path, days=2, moment=moment)
    old = Bundle.load(served)
    assert "attached" in old.card.predictors["purchase"]["not_measured"]
    store.add(habit_events())
    settings = settings_for(served)
    result = retrain(Inputs(served, store), settings, served, tmp_path / "work")
    assert result.promoted
    assert {"predictors fit", "predictor of purchase"} <= {check.name for check in result.checks}
    new = Bundle.load(served)
    told, wanted = new.card.predictors["purchase"], old.predictors["purchase"].settings
    assert new.predictors["purchase"].settings == wanted
    assert told["fitted_on"]["served"]["part"] == "training and validation parts"
    assert told["fitted_on"]["measured"]["part"] == "training part"
    assert wanted is not None
    data = Dataset.open(tmp_path / "work" / "dataset")
    test = make_parts(data, settings.behavior.replace(examples=wanted), settings.prepare.split).test
    weight = np.where(test.kept, 1.0, 1 / test.negative_rate)
    for name, model in (("new", tried_of(new, "purchase")), ("old", old.predictors["purchase"])):
        said = np.clip(model.predict_proba(test), SMALLEST, 1 - SMALLEST)
        expected = log_loss(test.label, said, sample_weight=weight)
        assert told["figures"][name]["log_loss"] == pytest.approx(expected, rel=1e-4)
    served_says, tried_says = (
        one.predict_proba(test) for one in (new.predictors["purchase"], tried_of(new, "purchase"))
    )
    assert not np.array_equal(served_says, tried_says)
    assert old.predictors["purchase"].config.calibration == "none"
    assert new.predictors["purchase"].config.calibration == settings.behavior.calibration != "none"


def test_a_predictor_that_cannot_be_fitted_goes_on_and_the_card_says_why(
    shop: Path, store: EventStore, tmp_path: Path
) -> None:
    served = with_predictor(shop, tmp_path, days=20)
    before = Bundle.load(served).predictors["purchase"].state()
    store.add(habit_events())
    result = retrain(Inputs(served, store), settings_for(served), served, tmp_path / "work")
    assert result.promoted
    new = Bundle.load(served)
    assert "too short" in new.card.predictors["purchase"]["not_measured"]
    after = new.predictors["purchase"].state()
    assert all(np.array_equal(after[name], values) for name, values in before.items())


def test_it_replaces_the_bundle_in_place_and_goes_on_from_there(shop: Path, store: EventStore, tmp_path: Path) -> None:
    Bundle.load(shop / "bundle").save(tmp_path / "served")
    for step, events in enumerate([usual_events(), habit_events(1500, start=APRIL + 30 * DAY)]):
        store.add([one._replace(event_id=f"{step}-{one.event_id}") for one in events])
        inputs = Inputs(tmp_path / "served", store)
        result = retrain(inputs, settings_for(tmp_path / "served"), tmp_path / "served", tmp_path / "work")
        assert failed(result) == []
        assert next_after(tmp_path / "served", BEFORE) == (AFTER if step else USUAL)
        assert result.combined is not None
        assert result.combined.exported == result.exported.rows
    memory = Bundle.load(tmp_path / "served").pipeline.memory
    assert memory.n_events == 1200 + result.exported.rows  # those of the store are not counted twice


def test_a_given_log_counts_each_event_once(shop: Path, store: EventStore, tmp_path: Path) -> None:
    events = usual_events()
    store.add(events)
    export_events(store, tmp_path / "warehouse.parquet")
    earlier = pa.concat_tables([pq.read_table(tmp_path / "warehouse.parquet"), _old_rows()])
    result = run(shop, store, tmp_path, log=Events.read(earlier))
    assert result.combined is not None
    assert (result.combined.earlier, result.combined.shared) == (len(events) + 1200, len(events))
    assert result.combined.new == 0
    assert failed(result) == ["new events"]


def test_a_forgotten_shopper_is_in_no_new_bundle(shop: Path, store: EventStore, tmp_path: Path) -> None:
    store.add(habit_events())
    store.delete_user("c3")
    result = run(shop, store, tmp_path)
    assert result.promoted
    assert result.combined is not None
    assert result.combined.forgotten == 10
    new = Bundle.load(tmp_path / "new")
    for vocabulary in (new.pipeline.memory.users, new.pipeline.train.users):
        assert "c3" not in vocabulary
        assert "c4" in vocabulary
    assert new.card.store is not None
    assert new.card.store.deletions == 1


def test_items_that_came_and_changed_are_learned(shop: Path, store: EventStore, tmp_path: Path) -> None:
    later = int(datetime.now(UTC).timestamp() * 1e6)
    said = {"title": "Garden spade", "category": "Garden > Tools", REMOVED: False}
    ItemChanges(store).add(
        [
            ItemChange("spade", later, said),
            ItemChange(BEFORE, later, {"price": 99.0}),
            ItemChange(USUAL, 1, {"price": 99.0, "brand": "Old words"}),
            ItemChange("typo", later, {"price": 1.0}),
        ]
    )
    store.add([one._replace(item_id="spade") if one.item_id == USUAL else one for one in habit_events()])
    result = run(shop, store, tmp_path)
    new, old = Bundle.load(tmp_path / "new"), Bundle.load(shop / "bundle")
    assert new.card.store is not None
    assert new.card.store.item_changes == 4
    assert result.combined is not None
    assert result.combined.known_items == 1
    assert new.catalog is not None
    assert old.catalog is not None
    assert "spade" in new.pipeline.train.items
    rows = {row["item_id"]: row for row in new.catalog.table.to_pylist()}
    before = {row["item_id"]: row for row in old.catalog.table.to_pylist()}
    assert rows["spade"]["title"] == "Garden spade"
    assert rows[BEFORE]["price"] == 99
    assert (rows[USUAL]["price"], rows[USUAL]["brand"]) == (before[USUAL]["price"], "Old words")
    assert "typo" not in rows
    assert new.encoder is not None
    assert new.encoder.settings == (old.encoder and old.encoder.settings)
    assert (tmp_path / "work" / "features").is_dir()


Corruption = Callable[[Path], None]


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def shuffle_items(file: Path) -> None:
    table = pq.read_table(file)
    order = np.random.default_rng(0).permutation(table.num_rows)
    items = table.column("item_id").take(order)
    pq.write_table(table.set_column(table.column_names.index("item_id"), "item_id", items), file)


def empty(file: Path) -> None:
    pq.write_table(pq.read_table(file).slice(0, 0), file)


def make_foreign(file: Path) -> None:
    table = pq.read_table(file)
    items = pa.array([f"other-{name}" for name in table.column("item_id").to_pylist()])
    pq.write_table(table.set_column(table.column_names.index("item_id"), "item_id", items), file)


@pytest.mark.parametrize("corrupt", [cut_off, shuffle_items, empty, make_foreign])
def test_a_file_that_changed_after_the_export_is_refused(
    shop: Path, store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corrupt: Corruption
) -> None:
    def export_to_a_bad_disk(store: EventStore, file: Path, *rest: object) -> Exported:
        exported = export_events(store, file)
        corrupt(file)
        return exported

    monkeypatch.setattr(line, "export_events", export_to_a_bad_disk)
    store.add(habit_events())
    check_refused(shop, store, tmp_path, "export is whole")


def shuffled(events: Sequence[ShopEvent]) -> list[ShopEvent]:
    items = np.random.default_rng(0).permutation([one.item_id for one in events])
    return [one._replace(item_id=str(item)) for one, item in zip(events, items, strict=True)]


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (lambda: [], "new events"),
        (lambda: shuffled(habit_events()), "histories matter"),
        (lambda: shuffled(usual_events()), "histories matter"),
        (lambda: shuffled(usual_events(60)), "new events can be foreseen"),
        (lambda: [one._replace(item_id=f"other-{one.item_id}") for one in habit_events()], "new events of known items"),
        (lambda: [one._replace(user_id=f"other-{one.user_id}") for one in habit_events()],
         "new events of known shoppers"),
        (lambda: [one._replace(timestamp=APRIL * 7) for one in habit_events()], "rows rejected by cleaning"),
    ],
    ids=["empty", "shuffled habit", "shuffled", "few shuffled", "foreign items", "foreign shoppers", "broken clock"],
)  # fmt: skip
def test_a_store_of_broken_events_is_refused(
    shop: Path, store: EventStore, tmp_path: Path, broken: Callable[[], list[ShopEvent]], check: str
) -> None:
    store.add(broken())
    check_refused(shop, store, tmp_path, check)


def test_a_store_that_lost_events_is_refused(shop: Path, store: EventStore, tmp_path: Path) -> None:
    store.add(usual_events())
    assert run(shop, store, tmp_path).promoted
    with store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE sequence > 1000")
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "bundle").symlink_to(tmp_path / "new")
    check_refused(tmp_path / "later", store, tmp_path / "later", "store has not gone back")


def check_refused(shop: Path, store: EventStore, tmp_path: Path, check: str) -> None:
    """In place of the served bundle, which stays as it was; the record says why."""
    before = bytes_of(shop / "bundle")
    inputs = Inputs(shop / "bundle", store)
    result = retrain(inputs, settings_for(shop / "bundle"), shop / "bundle", tmp_path / "work")
    assert not result.promoted
    assert check in failed(result)
    assert bytes_of(shop / "bundle") == before
    record = json.loads((tmp_path / "work" / RECORD).read_text())
    assert not record["promoted"]
    assert any(one["name"].startswith(check) and not one["passed"] for one in record["checks"])


def test_a_sample_of_the_shoppers_is_asked_the_same(shop: Path, store: EventStore, tmp_path: Path) -> None:
    store.add(habit_events())
    settings = settings_for(shop / "bundle").replace(retrain={"max_shoppers": 70})
    result = retrain(Inputs(shop / "bundle", store), settings, tmp_path / "new", tmp_path / "work")
    assert result.trial is not None
    assert {one.n_users for one in result.trial.evaluations} == {70}
    assert len(result.trial.fresh) == 70
    assert result.trial.new.user_ids.equals(result.trial.old.user_ids)
    assert result.promoted


def test_a_worse_model_is_refused(shop: Path, store: EventStore, tmp_path: Path) -> None:
    store.add(usual_events())
    before = bytes_of(shop / "bundle")
    inputs = Inputs(shop / "bundle", store)
    settings = settings_for(shop / "bundle").replace(pipeline={"also": ()})
    result = retrain(inputs, settings, shop / "bundle", tmp_path / "work", model="most_popular")
    assert failed(result) == ["no worse than the old bundle"]
    assert bytes_of(shop / "bundle") == before


def test_ids_of_another_kind_are_an_error_in_words(shop: Path, tmp_path: Path) -> None:
    numbers = EventStore.open(tmp_path / "numbers.db", IdKinds(user_integer=True, item_integer=True))
    with pytest.raises(DataError, match="user_id of the earlier log is of another kind"):
        run(shop, numbers, tmp_path)
    numbers.close()


def _old_rows() -> pa.Table:
    from shop import shop_tables

    events, _ = shop_tables(n_users=120, n_items=2 * HALF)
    nothing = {name: pa.nulls(events.num_rows, kind) for name, kind in [("session_id", pa.string()),
               ("placement", pa.string()), ("recommendation_id", pa.string()), ("position", pa.int64())]}  # fmt: skip
    columns = {
        "user_id": events["customer"], "item_id": events["sku"],
        "event_type": pa.array(["purchase"] * events.num_rows),
        "timestamp": events["time"].cast(pa.timestamp("us", tz="UTC")),
        "quantity": events["qty"].cast(pa.float64()), "price": events["unit_price"],
    }  # fmt: skip
    order = ["user_id", "item_id", "event_type", "timestamp", "session_id", "quantity", "price", "placement",
             "recommendation_id", "position"]  # fmt: skip
    return pa.table({name: (columns | nothing)[name] for name in order})
