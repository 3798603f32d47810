"""The log that comes out of the store is read back with the same ids, types and times."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shopkeeper.data.events import Events
from shopkeeper.data.schema import EventType
from shopkeeper.errors import ArtifactError
from shopkeeper.jobs import export
from shopkeeper.jobs.export import export_events
from shopkeeper.serving.event_store.records import IdKinds, ShopEvent
from shopkeeper.serving.event_store.store import EventStore

MOMENT = 1_750_000_000_000_007


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    from postgres import database

    return database()


def opened(address: str, *, integers: bool) -> EventStore:
    return EventStore.open(address, IdKinds(user_integer=integers, item_integer=integers))


def test_integers_stay_integers_and_times_keep_their_microseconds(address: str, tmp_path: Path) -> None:
    store = opened(address, integers=True)
    bought = ShopEvent("b", 7, 2**40, EventType.PURCHASE, MOMENT, "s", 2.0, 3.5, "home", "r", 1)
    store.add([bought, ShopEvent("a", -7, 1, EventType.VIEW, MOMENT + 1)])
    exported = export_events(store, tmp_path / "deep" / "events.parquet")
    assert exported.rows == 2
    assert exported.position.replace(mark=None) == store.position().replace(mark=None)  # which the bundle names
    store.close()
    content = (tmp_path / "deep" / "events.parquet").read_bytes()
    assert exported.sha256 == hashlib.sha256(content).hexdigest()
    first, second = pq.read_table(tmp_path / "deep" / "events.parquet").to_pylist()
    assert first == {
        "user_id": 7, "item_id": 2**40, "event_type": "purchase", "session_id": "s", "quantity": 2.0, "price": 3.5,
        "timestamp": datetime.fromtimestamp(1_750_000_000, UTC).replace(microsecond=7), "placement": "home",
        "recommendation_id": "r", "position": 1,
    }  # fmt: skip
    assert (second["user_id"], second["session_id"]) == (-7, None)


def test_text_that_looks_like_numbers_stays_text_through_reading(address: str, tmp_path: Path) -> None:
    store = opened(address, integers=False)
    store.add([ShopEvent(kind.value, "007", "茶/'1'", kind, MOMENT) for kind in EventType])
    export_events(store, tmp_path / "events.parquet")
    store.close()
    rows = Events.read(str(tmp_path / "events.parquet")).table.to_pyarrow().to_pylist()
    assert {row["user_id"] for row in rows} == {"007"}
    assert {row["item_id"] for row in rows} == {"茶/'1'"}
    assert [row["event_type"] for row in rows] == [kind.value for kind in EventType]


def test_many_pages_hold_every_event_once(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 70)
    store = opened(address, integers=True)
    store.add([ShopEvent(f"e{number}", number, 1, EventType.VIEW, MOMENT) for number in range(1000)])
    store.delete_user(500)
    assert export_events(store, tmp_path / "events.parquet").rows == 999
    store.close()
    table = pq.read_table(tmp_path / "events.parquet")
    assert table["user_id"].to_pylist() == [number for number in range(1000) if number != 500]


def test_an_empty_store_gives_an_empty_log_with_columns(address: str, tmp_path: Path) -> None:
    store = opened(address, integers=True)
    assert export_events(store, tmp_path / "events.parquet").rows == 0
    store.close()
    assert pq.read_table(tmp_path / "events.parquet").schema.field("user_id").type == pa.int64()


def test_what_cannot_be_written_leaves_the_earlier_file(tmp_path: Path) -> None:
    store = opened(str(tmp_path / "shop.db"), integers=True)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ArtifactError, match="cannot write"):
        export_events(store, tmp_path / "file" / "events.parquet")
    store.close()
    assert (tmp_path / "file").read_text() == "no folder"
