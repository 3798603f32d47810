"""A user who is forgotten is in no file any more; all that is kept of one can be written down."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events
from shopkeeper.data.prepare import prepare
from shopkeeper.data.schema import EventType
from shopkeeper.jobs.erasure import Erasure
from shopkeeper.jobs.export import export_events
from shopkeeper.jobs.forgetting import forget_user, write_user
from shopkeeper.jobs.retrain import retrain as line
from shopkeeper.jobs.retrain.retrain import RECORD, Inputs, retrain
from shopkeeper.jobs.retrain.settings import settings_of_bundle
from shopkeeper.jobs.searching_ids import files_with
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.train import train
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.serving.event_store.backup import back_up, restore
from shopkeeper.serving.event_store.records import AnswerRecord, IdKinds, ShopEvent
from shopkeeper.serving.event_store.store import EventStore

WHO = "very-personal-name"
START = pd.Timestamp("2025-03-01", tz="UTC")


def rows(users: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (user, f"item{(place + step) % 9}", "view", START + pd.Timedelta(days=step, minutes=place))
            for place, user in enumerate(users)
            for step in range(12)
        ],
        columns=["user_id", "item_id", "event_type", "timestamp"],
    )


def events(user: str, n: int) -> list[ShopEvent]:
    return [
        ShopEvent(f"{user}-{step}", user, f"item{step}", EventType.VIEW, 1_750_000_000_000_000 + step)
        for step in range(n)
    ]


def items_of(bundle: Bundle, user: str) -> list[object]:
    return [one.item_id for one in bundle.pipeline.recommend([user], k=5)[0]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    settings = build(ShopSettings, {"pipeline": {"also": ("als",)}, "training": {"device": "cpu"}})
    log = rows([*(f"u{n}" for n in range(30)), WHO])
    dataset = prepare(Events.read(log), None, settings.prepare, folder / "data")
    train(dataset, "transitions", settings).bundle.save(folder / "bundle")
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "shop"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    opened = EventStore.open(tmp_path / "shop.db", IdKinds(user_integer=False, item_integer=False))
    opened.add([*events(WHO, 3), *events("u1", 2)])
    opened.add_answers([AnswerRecord("reco", WHO, 1, None, "m", ("item1",), ("m",), 0)])
    yield opened
    opened.close()


def test_bundles_and_datasets_go_on_without_the_user(folder: Path) -> None:
    before, data = Bundle.load(folder / "bundle"), Dataset.open(folder / "data")
    assert len(files_with(WHO, folder)) >= 4
    assert len(Erasure([WHO]).below(folder)) == 2
    assert files_with(WHO, folder) == []
    after, left = Bundle.load(folder / "bundle"), Dataset.open(folder / "data")
    assert WHO not in after.pipeline.memory.users
    assert left.n_events == data.n_events - 12
    assert after.pipeline.memory.n_events == before.pipeline.memory.n_events - 12
    assert after.card.data["events"] == before.card.data["events"] - 12
    assert pq.read_metadata(folder / "bundle" / "log.parquet").num_rows == 30 * 12
    for user in ("u0", "u29"):
        assert items_of(after, user) == items_of(before, user)
        place = data.users.index(user) - 1
        same = [one.histories.slice(place, place + 1).item_index for one in (data, left)]
        assert np.array_equal(*same)
    manifest = (folder / "bundle" / "manifest.json").read_bytes()
    assert Erasure([WHO, "never-seen"]).below(folder) == []
    assert (folder / "bundle" / "manifest.json").read_bytes() == manifest


def test_forgetting_reaches_every_kind_of_file(folder: Path, store: EventStore, tmp_path: Path) -> None:
    export_events(store, folder / "exports" / "events.parquet")
    back_up(store, folder / "backups" / "monday.db")
    found = {"findings": [{"user_id": WHO, "events_in_a_day": 7}, {"user_id": "u1", "events_in_a_day": 2}]}
    (folder / "validation.json").write_text(json.dumps(found))
    foreign = folder / "of-others"
    foreign.mkdir()
    (foreign / "log.csv").write_text(f"user,item\n{WHO},item1\nx{WHO}x,item2\n")
    (foreign / "fine.csv").write_text(f"x{WHO}x,item2\n")
    with gzip.open(foreign / "packed.csv.gz", "wb") as packed:
        packed.write(f"{WHO},item1\n".encode())
    done = forget_user(store, WHO, [folder])
    assert (done.deleted.events, done.deleted.answers) == (3, 1)
    assert {path.name for path in done.erased} == {"bundle", "data", "events.parquet", "monday.db", "validation.json"}
    assert {path.name for path in done.left} == {"log.csv", "packed.csv.gz"}
    assert json.loads((folder / "validation.json").read_text())["findings"][1]["user_id"] == "u1"
    assert not any(WHO.encode() in file.read_bytes() for file in tmp_path.glob("shop.db*"))
    restore(folder / "backups" / "monday.db", str(tmp_path / "shop.db"))
    assert {stored.event.user_id for stored in store.after(0, 10)} == {"u1"}


def test_free_pages_of_a_database_are_searched(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "loose.db")
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("CREATE TABLE log (user_id TEXT)")
    connection.execute("INSERT INTO log VALUES (?), ('bob')", [WHO])
    connection.commit()
    assert files_with("ob", tmp_path) == []
    assert files_with("bob", tmp_path) == [tmp_path / "loose.db"]
    connection.execute("DELETE FROM log WHERE user_id = ?", [WHO])
    connection.commit()
    assert files_with(WHO, tmp_path) == [tmp_path / "loose.db"]
    connection.execute("VACUUM")
    connection.close()
    assert files_with(WHO, tmp_path) == []


def test_integers_are_looked_for_among_ids_of_users_alone(tmp_path: Path) -> None:
    pq.write_table(pa.table({"user_id": [7, 8], "item_id": [70, 7]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"user_id": [8], "item_id": [7]}), tmp_path / "b.parquet")
    (tmp_path / "c.csv").write_text("8,77\n")
    store = EventStore.open(tmp_path / "d.db", IdKinds(True, True))
    store.add([ShopEvent("e", 7, 1, EventType.VIEW, 1), ShopEvent("f", 8, 7, EventType.VIEW, 1)])
    assert [file.name for file in files_with(7, tmp_path)] == ["a.parquet", "d.db"]
    assert forget_user(store, 7, [tmp_path]).left == []
    assert pq.read_table(tmp_path / "a.parquet").to_pydict() == {"user_id": [8], "item_id": [7]}
    store.close()


def test_all_that_is_kept_of_a_person_comes_out(folder: Path, store: EventStore, tmp_path: Path) -> None:
    write_user(store, WHO, tmp_path / "person.json", [folder / "bundle"])
    kept = json.loads((tmp_path / "person.json").read_text())
    assert [event["item_id"] for event in kept["events"]] == ["item0", "item1", "item2"]
    assert kept["answers"][0]["item_ids"] == '["item1"]'
    assert len(kept["files"][str(folder / "bundle" / "log.parquet")]) == 12
    assert (tmp_path / "person.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("refused", [True, False])
def test_retrain_leaves_nothing_of_who_was_forgotten(
    folder: Path, store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    monkeypatch.setattr(line, "trial_checks", lambda *_: [])
    settings = build(ShopSettings, settings_of_bundle(Bundle.load(folder / "bundle")))
    if refused:
        changed = settings.retrain.model_dump() | {"min_new_events": 10_000}
        settings = settings.replace(retrain=changed)
    store.delete_user(WHO)
    shutil.rmtree(folder / "data")
    log = Events.read(rows([*(f"u{n}" for n in range(30)), WHO]))
    inputs = Inputs(folder / "bundle", store, log)
    result = retrain(inputs, settings, folder / "bundle", folder / "work")
    assert result.promoted is not refused, result.failed
    assert files_with(WHO, folder) == []
    assert files_with("u1", folder / "work") == []
    assert (folder / "work" / RECORD).exists()
    Bundle.load(folder / "bundle")
