"""Old records of answers and traffic go by themselves, a page at a time; young ones and all events stay."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from server import running_server

from shopkeeper.data.schema import EventType
from shopkeeper.serving import retention as module
from shopkeeper.serving.event_store import store as store_module
from shopkeeper.serving.event_store.records import AnswerRecord, IdKinds, ShopEvent
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.event_store.tables import answers
from shopkeeper.serving.retention import Retention
from waiting import until

DAY = 86_400_000_000
SIZE = re.compile(r"^shopkeeper_store_bytes ([0-9.e+]+)$", re.MULTILINE)
KINDS = IdKinds(False, False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    opened = EventStore.open(tmp_path / "shop.db", KINDS)
    yield opened
    opened.close()


def add_answers(store: EventStore, *ages: float) -> None:
    """Records one answer of each age in days, named after it."""
    now = time.time_ns() // 1000
    store.add_answers(
        [AnswerRecord(f"{age}", None, now - int(age * DAY), None, "Model", ("a",), ("Model",), 0) for age in ages]
    )


def kept(store: EventStore) -> set[str]:
    with store.reading() as connection:
        return set(connection.execute(answers.select().with_only_columns(answers.c.recommendation_id)).scalars())


def test_a_page_goes_at_each_look_until_nothing_old_is_left(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for where in (module, store_module):
        monkeypatch.setattr(where, "PRUNED_AT_ONCE", 2)
    add_answers(store, 1, 9, 11, 12, 13)
    retention = Retention(store, 10)
    assert [retention.look(), retention.look()] == [True, False]
    assert kept(store) == {"1", "9"}


def test_all_is_kept_where_no_days_are_given(store: EventStore) -> None:
    add_answers(store, 10_000)
    assert not Retention(store, None).look()
    assert kept(store) == {"10000"}


def test_the_running_service_deletes_what_is_old(bundle: Path, tmp_path: Path) -> None:
    store = EventStore.open(tmp_path / "shop.db", KINDS)
    add_answers(store, 1, 3)
    now = time.time_ns() // 1000
    ages = {"old": 1000, "older": 2000, "young": 1}
    store.add([ShopEvent(name, "c1", "sku-001", EventType.VIEW, now - days * DAY) for name, days in ages.items()])
    setting = ("--set", "service.keep_days=2", "--set", "service.keep_events_days=900")
    with running_server(bundle, tmp_path / "shop.db", *setting) as server:
        until(lambda: "3" not in kept(store))
        assert kept(store) == {"1"}
        until(lambda: [stored.event.event_id for stored in store.after(0, 10)] == ["young"])
        found = until(lambda: SIZE.search(server.client.get("/metrics").text))
        assert float(found[1]) > 50_000
    store.close()
