"""Events of one user beyond what anybody has in a day are refused, all or none of a request."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from shopkeeper.data.schema import EventType
from shopkeeper.serving import user_rates
from shopkeeper.serving.app import create_app
from shopkeeper.serving.event_store.records import ShopEvent
from shopkeeper.serving.problems import TooOftenError
from shopkeeper.serving.settings import ServiceSettings
from shopkeeper.serving.user_rates import DAY, UserRates


def events(user: str, number: int) -> list[ShopEvent]:
    return [ShopEvent(f"{user}-{n}", user, "sku-001", EventType.VIEW, 0) for n in range(number)]


def test_a_user_has_so_many_events_a_day() -> None:
    now = [10.5 * DAY]
    rates = UserRates(10, lambda: now[0])
    rates.take(events("a", 6))
    with pytest.raises(TooOftenError):
        rates.take(events("b", 3) + events("a", 5))
    rates.take(events("b", 10))  # that request counted for nobody
    rates.take(events("a", 4))
    with pytest.raises(TooOftenError):
        rates.take(events("a", 1))
    now[0] += DAY
    rates.take(events("a", 10))


def test_counting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_rates, "MOST_USERS", 50)
    rates = UserRates(10)
    rates.take(events("often", 10))
    for n in range(500):
        rates.take(events(f"user-{n}", 1))
    assert len(rates._counts) <= 51
    with pytest.raises(TooOftenError):
        rates.take(events("often", 1))


def test_nobody_is_counted_without_a_bound() -> None:
    UserRates(None).take(events("a", 100_000))


def test_the_service_refuses_a_flood_and_goes_on(bundle: Path, tmp_path: Path) -> None:
    settings = ServiceSettings(database=str(tmp_path / "shop.db"), access_log=False, max_user_events_a_day=20)
    event = {"item_id": "sku-001", "event_type": "view"}
    with TestClient(create_app(bundle, settings), "http://localhost") as client:
        statuses = [client.post("/events", json=event | {"user_id": "script"}).status_code for _ in range(25)]
        assert statuses == [200] * 20 + [429] * 5
        assert client.post("/events", json=event | {"user_id": "c1"}).status_code == 200
        answer = client.post("/events", json=[event | {"user_id": "script"}, event | {"user_id": "c1"}])
        assert answer.status_code == 429
        assert "Retry-After" in answer.headers
        assert "script" not in answer.json()["error"]["problem"]
        assert len(client.get("/users/script?limit=100").json()["events"]) == 20
