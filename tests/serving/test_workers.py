"""Several workers on one store and one port; and how a service stops."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from load import hammering
from server import Server, each_worker, running_server

from waiting import until


@pytest.fixture(scope="module")
def pair(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(bundle, tmp_path_factory.mktemp("pair") / "shop.db", "--workers", "2") as server:
        yield server


@pytest.fixture
def clients(pair: Server) -> Iterator[list[httpx.Client]]:
    """A connection to each of the two workers."""
    with each_worker(pair) as found:
        yield found


def test_an_event_sent_to_one_is_soon_in_the_answer_of_the_other(clients: list[httpx.Client]) -> None:
    for step in range(10):
        user, (one, other) = f"shared-{step}", clients if step % 2 else clients[::-1]
        sent = one.post("/events", json={"user_id": user, "item_id": "sku-002", "event_type": "view"})

        def known(user: str = user, other: httpx.Client = other, sent: httpx.Response = sent) -> httpx.Response | None:
            answer = other.post("/recommendations", json={"user_id": user, "k": 1})
            if answer.headers["X-Worker"] == sent.headers["X-Worker"]:  # its connection was idle for too long
                other.headers["Connection"] = "close"
                return None
            return answer if answer.json()["source"] == "Transitions" else None

        assert until(known).json()["items"][0]["item_id"] == "sku-003"


def test_a_shopper_forgotten_by_one_is_forgotten_by_the_other(clients: list[httpx.Client]) -> None:
    one, other = clients
    assert other.get("/users/c11").json()["known"]
    one.delete("/users/c11")
    until(lambda: not other.get("/users/c11").json()["known"])


def test_figures_are_those_of_both(clients: list[httpx.Client]) -> None:
    for client in clients:
        client.get("/items/sku-011")
    both = 'shopkeeper_requests_total{method="GET",route="/items/{id:id}",status="200"} 2.0'
    for client in clients:  # a request is counted behind its answer
        until(lambda client=client: both in client.get("/metrics").text.splitlines())


def test_a_worker_that_dies_is_replaced(pair: Server, clients: list[httpx.Client]) -> None:
    import os

    worker = int(clients[0].get("/healthz").headers["X-Worker"])
    os.kill(worker, signal.SIGKILL)
    workers: set[str] = set()

    def two_others() -> bool:
        with suppress(httpx.HTTPError), httpx.Client(base_url=pair.address, timeout=5) as client:
            workers.add(client.get("/healthz").headers["X-Worker"])
        return len(workers - {str(worker)}) == 2

    until(two_others)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_under_load_answers_what_was_asked(bundle: Path, tmp_path: Path, workers: str) -> None:
    with running_server(bundle, tmp_path / "shop.db", "--workers", workers) as server:
        with hammering(server.address, threads=8) as tally:
            until(lambda: tally.answers > 100)
            assert server.stop() == 0
        assert set(tally.statuses) == {200}
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        stored = {row[0] for row in connection.execute("select event_id from events")}
        answers = connection.execute("select count(*) from answers").fetchone()[0]
        requests = connection.execute("select sum(requests) from traffic where route = '/recommendations'").fetchone()[
            0
        ]
    connection.close()
    assert set(tally.acknowledged) <= stored
    assert answers >= sum(tally.bundles.values())
    assert requests == answers


def test_workers_say_that_they_serve_one_bundle(pair: Server, clients: list[httpx.Client]) -> None:
    for client in clients:
        ready = until(lambda client=client: two_workers(client.get("/readyz").json()))
        assert ready["agree"] is True
        assert set(ready["workers"].values()) == {ready["bundle"]["bundle"]}


def two_workers(ready: dict[str, Any]) -> dict[str, Any] | None:
    return ready if len(ready["workers"]) == 2 else None


def test_workers_end_with_their_parent(bundle: Path, tmp_path: Path) -> None:
    with running_server(bundle, tmp_path / "shop.db", "--workers", "2") as server:
        with each_worker(server) as clients:
            workers = [int(client.get("/healthz").headers["X-Worker"]) for client in clients]
        server.stop(signal.SIGKILL)
        until(lambda: not any(map(lives, workers)))


def lives(process: int) -> bool:
    """Whether a process does anything; one that ended and that nobody asked about is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_an_interrupt_stops_it_too(bundle: Path, tmp_path: Path) -> None:
    with running_server(bundle, tmp_path / "shop.db") as server:
        server.recommend("c1")
        assert server.stop(signal.SIGINT) == 0
    assert "Traceback" not in "".join(server.lines)
