"""What a bundle was made of is there for the next training: nothing is forgotten in silence, nothing counts twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from trends import APRIL, DAY, make_bundle_of_shop

from shopkeeper.config import build
from shopkeeper.data.events import Events
from shopkeeper.data.prepare import prepare
from shopkeeper.data.schema import EventType
from shopkeeper.jobs.export import export_events
from shopkeeper.jobs.retrain import retrain as line
from shopkeeper.jobs.retrain.retrain import Inputs, Retrained, retrain
from shopkeeper.jobs.retrain.settings import settings_of_bundle
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.train import train
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.serving.event_store.records import IdKinds, ShopEvent
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.profiles import Profiles

KEYS = ["user_id", "item_id", "event_type", "timestamp"]
MARCH = APRIL - 40 * DAY
USERS, OLD, NEW = 60, 12, 6
"""The newest collection, items that come in the last sixth of the log, is seen by nobody before."""


def shop_rows() -> pd.DataFrame:
    """Views of each user: old items on ten days, then two of the newest collection."""
    rows = [
        (f"u{user}", f"new{(user + step) % NEW}" if step >= 10 else f"old{(user + step) % OLD}", "view",
         pd.Timestamp(MARCH + step * DAY + user * 60_000_000, unit="us", tz="UTC"))
        for user in range(USERS)
        for step in range(12)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=KEYS)


def later(start: int, first: int = 0) -> list[ShopEvent]:
    """Two views of old items of each user, from a day on."""
    return [
        ShopEvent(f"{start}-{user}-{step}", f"u{user}", f"old{(first + user + step) % OLD}", EventType.VIEW,
                  MARCH + (start + step) * DAY + user * 60_000_000)
        for user in range(USERS)
        for step in range(2)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forgetting")
    settings = build(ShopSettings, {"pipeline": {"also": ()}})
    dataset = prepare(Events.read(shop_rows()), None, settings.prepare, folder / "data")
    train(dataset, "most_popular", settings).bundle.save(folder / "bundle")
    return folder


@pytest.fixture(autouse=True)
def any_model_is_good_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests ask what a bundle is made of, not what it is worth."""
    monkeypatch.setattr(line, "trial_checks", lambda *_: [])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    opened = EventStore.open(tmp_path / "shop.db", IdKinds(user_integer=False, item_integer=False))
    yield opened
    opened.close()


@pytest.fixture
def served(shop: Path, tmp_path: Path) -> Path:
    Bundle.load(shop / "bundle").save(tmp_path / "served")
    return tmp_path / "served"


def run(served: Path, store: EventStore, log: Events | None = None, **more: object) -> Retrained:
    settings = build(ShopSettings, settings_of_bundle(Bundle.load(served)))
    settings = settings.replace(retrain={**settings.retrain.model_dump(), **more})
    return retrain(Inputs(served, store, log), settings, served, served.with_name("work"))


def rows_of(served: Path) -> pd.DataFrame:
    return pq.read_table(served / "log.parquet").to_pandas()


def keys_of(rows: pd.DataFrame) -> list[tuple[object, ...]]:
    return sorted(rows[KEYS].itertuples(index=False, name=None))


def purge(store: EventStore, keep: int) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql(f"DELETE FROM events WHERE sequence <= (SELECT MAX(sequence) FROM events) - {keep}")


def failed(result: Retrained) -> list[str]:
    return [check.name for check in result.failed]


def test_three_retrains_lose_nothing_though_the_store_is_purged(
    served: Path, store: EventStore, tmp_path: Path
) -> None:
    expected = shop_rows()
    for step in range(3):
        store.add(later(20 + 10 * step, first=step))
        export_events(store, tmp_path / "now.parquet")
        expected = pd.concat([expected, pd.read_parquet(tmp_path / "now.parquet")[KEYS]]).drop_duplicates()
        assert failed(run(served, store)) == []
        purge(store, keep=7)
        assert keys_of(rows_of(served)) == keys_of(expected)
        bundle = Bundle.load(served)
        assert (bundle.card.data["events"], bundle.card.data["items"]) == (len(expected), OLD + NEW)
        assert bundle.pipeline.memory.n_events == len(expected)
        assert set(bundle.pipeline.train.items.arrow.to_pylist()) == set(expected.item_id)
        assert bundle.card.log == {
            "kept": True,
            "events": len(expected),
            "bytes": (served / "log.parquet").stat().st_size,
        }


def test_a_return_takes_back_one_purchase_however_often_the_line_runs(served: Path, store: EventStore) -> None:
    bought = [ShopEvent(f"b{n}", "u1", "old3", EventType.PURCHASE, MARCH + (20 + n) * DAY) for n in range(2)]
    sent_back = ShopEvent("back", "u1", "old3", EventType.RETURN, MARCH + 23 * DAY)
    store.add([*later(20), *bought, sent_back])
    for step in range(3):
        store.add(later(40 + step))
        assert failed(run(served, store)) == []
        memory = Bundle.load(served).pipeline.memory
        types = memory.histories.event_type
        assert int((types == EventType.PURCHASE.code).sum()) == 1


def test_a_user_who_came_back_after_being_forgotten_stays(served: Path, store: EventStore) -> None:
    store.add(later(20))
    store.delete_user("u3")
    back = ShopEvent("back", "u3", "old1", EventType.VIEW, MARCH + 30 * DAY)
    store.add([back])
    for step in range(2):
        store.add([one for one in later(40 + 10 * step) if one.user_id != "u3"])
        result = run(served, store)
        assert failed(result) == []
        rows = rows_of(served)
        assert rows[rows.user_id == "u3"].item_id.tolist() == ["old1"]
        purge(store, keep=5)


def test_a_bundle_of_an_earlier_version_that_lacks_events_is_refused(served: Path, store: EventStore) -> None:
    old = Bundle.load(served)
    replace(old, log=None, card=old.card.replace(log={})).save(served)
    store.add(later(20))
    result = run(served, store)
    assert failed(result) == ["earlier log is whole"]
    check = result.failed[0]
    assert f"{OLD + NEW} items" in check.expected
    assert "--log" in check.found
    assert Bundle.load(served).card.data["events"] == USERS * 12


def test_one_that_holds_all_of_them_goes_on(tmp_path: Path, store: EventStore) -> None:
    make_bundle_of_shop(tmp_path)
    old = Bundle.load(tmp_path / "bundle")
    replace(old, log=None, card=old.card.replace(log={})).save(tmp_path / "bundle")
    store.add([one._replace(item_id="sku-001") for one in later(40)])
    result = run(tmp_path / "bundle", store)
    assert "earlier log is whole" not in failed(result)


def test_a_bundle_that_was_told_to_keep_no_log_must_be_given_one(served: Path, store: EventStore) -> None:
    store.add(later(20))
    assert failed(run(served, store, keep_log=False)) == []
    bundle = Bundle.load(served)
    assert bundle.log is None
    assert not bundle.card.log["kept"]
    assert not settings_of_bundle(bundle)["retrain"]["keep_log"]
    store.add(later(40))
    assert failed(run(served, store)) == ["earlier log is whole"]


def test_a_log_that_lacks_what_the_bundle_knows_is_refused(served: Path, store: EventStore) -> None:
    store.add(later(20))
    rows = shop_rows()
    short = rows[~rows.item_id.str.startswith("new") & (rows.user_id != "u5")]
    result = run(served, store, log=Events.read(short))
    assert failed(result) == ["nothing is forgotten"]
    missing = rows.merge(short, how="left", indicator=True).query("_merge == 'left_only'")
    assert result.combined is not None
    assert result.combined.lost.events == len(missing)
    assert result.combined.lost.items == NEW
    assert result.combined.lost.users == 0  # the store has later events of u5
    assert "new0" in result.failed[0].found
    allowed = run(served, store, log=Events.read(short), allow_forgetting=True, min_log_share=0.5)
    assert failed(allowed) == []
    assert Bundle.load(served).card.retrain["forgotten"]["items"] == NEW


def test_models_that_know_fewer_items_than_the_running_ones_are_refused(served: Path, store: EventStore) -> None:
    brand_new = [ShopEvent(f"x{n}", f"u{n}", "brand new", EventType.VIEW, MARCH + 60 * DAY + n) for n in range(9)]
    store.add([*later(20), *brand_new])
    assert run(served, store).promoted
    store.add([ShopEvent("y", "u1", "old1", EventType.VIEW, MARCH + 61 * DAY)])
    result = run(served, store, refit=False)
    assert failed(result) == ["items that the models know"]
    assert "brand new" in result.failed[0].found


def test_the_service_answers_from_events_of_the_held_out_parts(shop: Path, store: EventStore) -> None:
    bundle = Bundle.load(shop / "bundle")
    known = set(bundle.pipeline.train.items.arrow.to_pylist())
    rows = shop_rows()
    profiles = Profiles(bundle.pipeline, store)
    for user in ("u0", "u41"):
        own = rows[(rows.user_id == user) & rows.item_id.isin(known)].sort_values("timestamp")
        history = profiles.history(user)
        assert bundle.pipeline.train.items.ids(history.item_index) == own.item_id.tolist()
        assert history.timestamp.tolist() == [int(one.value // 1000) for one in own.timestamp]
