"""How often a caller may ask: a rate, a burst, callers apart, memory that does not grow."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from shopkeeper.serving.app import create_app
from shopkeeper.serving.rates import RateLimit, Rates, address_of
from shopkeeper.serving.settings import ServiceSettings


def test_a_burst_and_then_the_rate() -> None:
    rates = Rates(per_second=2, burst=3)
    assert [rates.wait("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert [rates.wait("a", 0.5) for _ in range(2)] == [0, 0.5]
    assert [rates.wait("a", 100.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert rates.wait("b", 100.0) == 0


def test_who_is_refused_loses_nothing_by_asking() -> None:
    rates = Rates(per_second=1, burst=1)
    assert rates.wait("a", 0.0) == 0
    assert all(rates.wait("a", moment) > 0 for moment in (0.25, 0.5, 0.75))
    assert rates.wait("a", 1.0) == 0


def test_the_callers_that_are_counted_have_an_end() -> None:
    rates = Rates(per_second=1, burst=1, max_callers=100)
    assert all(rates.wait(str(number), 0.0) == 0 for number in range(1000))
    assert len(rates) == 100
    assert rates.wait("999", 0.0) > 0


@pytest.mark.parametrize(
    ("client", "name"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::9", 1), "2001:db8:1:2::/64"),
        (("socket", 0), "socket"),
        (None, None),
    ],
)
def test_an_address_is_that_of_one_caller(client: Any, name: str | None) -> None:
    assert address_of({"client": client}) == name


def test_other_things_than_requests_pass() -> None:
    passed = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["type"])

    limit = RateLimit(app, Rates(1, 1), address_of, "address")
    for _ in range(3):
        asyncio.run(limit({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert passed == ["lifespan"] * 3


def test_who_asks_too_often_is_told_when_to_come_again(bundle: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text("a-key-of-16-letters\nanother-of-16-letters\n")
    settings = ServiceSettings(
        database=str(tmp_path / "shop.db"), api_key_file=keys, rate_per_address=0.001, rate_per_key=0.001,
        rate_burst_seconds=3000,
    )  # fmt: skip
    first, second = ({"X-API-Key": key} for key in keys.read_text().split())
    with TestClient(create_app(bundle, settings.replace(rate_per_address=None))) as client:
        assert [client.get("/items", headers=first).status_code for _ in range(4)] == [200, 200, 200, 429]
        answer = client.get("/items", headers=first)
        assert 990 <= int(answer.headers["Retry-After"]) <= 1000
        assert answer.json()["error"]["problem"] == "too many requests of one API key"
        assert client.get("/items", headers=second).status_code == 200
        assert client.get("/healthz").status_code == 200
        assert 'status="429"' in client.get("/metrics", headers=second).text
    with TestClient(create_app(bundle, settings.replace(rate_per_key=None))) as client:
        assert [client.get("/items").status_code for _ in range(5)] == [401, 401, 401, 429, 429]
