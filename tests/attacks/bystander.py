"""What an attack costs the others: the longest wait of a bystander, the memory of the service, its restart.

python tests/attacks/bystander.py                       # every attack, a fresh service for each
python tests/attacks/bystander.py fields searches

All traffic goes to a service that this script starts on the loopback address, and every attack is bounded in count and
time. Another state of the code is measured by naming it: PYTHONPATH=other/src.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "serving")]

from server import Server, running_server, shop_bundle  # noqa: E402 - found only with the lines above

SHOP: Final = {"n_users": 1500, "n_items": 20_000, "length": 30}
LONG: Final = 60.0
"""Seconds after which a client gives up."""


@dataclass
class Wait:
    """What a bystander saw.

    Attributes:
        longest: Seconds.
        answers: With status 200.
        failed: Others, and those that did not come.
    """

    longest: float = 0.0
    answers: int = 0
    failed: int = 0

    def __str__(self) -> str:
        return f"a bystander waits {self.longest:.3f} s at most ({self.answers} answers, {self.failed} failed)"


@contextmanager
def bystander(server: Server, path: str, body: Any) -> Iterator[Wait]:
    """Asks one thing over and over until the block is left."""
    seen, stop = Wait(), threading.Event()

    def work() -> None:
        while not stop.is_set():
            start = time.monotonic()
            status = ask(server, "POST", path, body)[0]
            seen.longest = max(seen.longest, time.monotonic() - start)
            seen.answers += status == 200
            seen.failed += status != 200
            time.sleep(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.5)
    seen.longest = 0.0
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def ask(server: Server, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    """Status and body of one answer over a connection of its own; 0 where none comes."""
    place = urlsplit(server.address)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=LONG)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def plain(server: Server) -> socket.socket:
    """A connection to write any bytes to."""
    place = urlsplit(server.address)
    return socket.create_connection((str(place.hostname), int(place.port or 80)), timeout=LONG)


def megabytes(server: Server) -> float:
    """Resident memory of the service."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def together(threads: int, work: Callable[[Any], Any], given: Iterable[Any]) -> list[Any]:
    """Calls from many threads."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, given))


def counted(values: Iterable[Any]) -> str:
    """How often each value came."""
    values = list(values)
    return ", ".join(f"{values.count(value)} x {value}" for value in sorted(set(values), key=str))


QUESTION: Final = {"user_id": "c7", "k": 10}


def huge_items(bundle: Path, store: Path) -> str:
    """Twenty items, each with a category of 20 kB, or as many as a minute lets through, and a restart."""
    with running_server(bundle, store) as server:
        before = megabytes(server)
        path = "a>" * 9_990 + "b"
        items = [{"item_id": f"huge-{place}", "title": "x", "category": f"{place}>{path}"} for place in range(20)]
        start, statuses = time.monotonic(), []
        while items and time.monotonic() < start + LONG:
            statuses.append(ask(server, "POST", "/items", items.pop())[0])
        posting, after = time.monotonic() - start, megabytes(server)
    start = time.monotonic()
    with running_server(bundle, store) as server:
        seconds, again = time.monotonic() - start, megabytes(server)
    return (
        f"statuses {counted(statuses)} in {posting:.1f} s; {before:.0f} MB, then {after:.0f} MB; after a restart of "
        f"{seconds:.1f} s {again:.0f} MB"
    )


def attributes(bundle: Path, store: Path) -> str:
    """Twenty items with a hundred attributes of names of their own each, and what one more item then takes."""
    with running_server(bundle, store) as server:
        before = megabytes(server)
        statuses = []
        for place in range(20):
            names = {f"{place}-{number}-{'n' * 100}": 1 for number in range(100)}
            statuses.append(ask(server, "POST", "/items", {"item_id": f"wide-{place}", "attributes": names})[0])
        start = time.monotonic()
        ask(server, "POST", "/items", {"item_id": "plain", "title": "x"})
        seconds = time.monotonic() - start
        return (
            f"statuses {counted(statuses)}; {before:.0f} MB, then {megabytes(server):.0f} MB; one more item takes "
            f"{seconds:.2f} s"
        )


def headers(bundle: Path, store: Path) -> str:
    """Four callers without a key send a header of 50 MB each."""

    def send(server: Server) -> str:
        with plain(server) as connection:
            try:
                connection.sendall(b"POST /recommendations HTTP/1.1\r\nHost: a\r\nX-Long: ")
                for _ in range(800):
                    connection.sendall(b"x" * 65_536)
                connection.sendall(b"\r\n\r\n")
            except OSError:
                """It is closed: what was answered is read below, where it can be."""
            with suppress(OSError):
                return connection.recv(100).split(b"\r\n")[0].decode() or "closed"
        return "closed"

    with running_server(bundle, store) as server:
        before, most = megabytes(server), 0.0
        with bystander(server, "/recommendations", QUESTION) as seen, ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(send, server) for _ in range(4)]
            while not all(one.done() for one in sent):
                most = max(most, megabytes(server))
                time.sleep(0.02)
        return f"{seen}; {before:.0f} MB, {most:.0f} MB at most; {counted(one.result() for one in sent)}"


def fields(bundle: Path, store: Path) -> str:
    """One question that names a fact a hundred thousand times."""
    body = {"user_id": "c1", "k": 100, "fields": ["title"] * 100_000}
    with running_server(bundle, store) as server, bystander(server, "/recommendations", QUESTION) as seen:
        status, answer = ask(server, "POST", "/recommendations", body)
        time.sleep(0.2)
        return f"{seen}; status {status}, {len(answer) / 1e6:.1f} MB"


def searches(bundle: Path, store: Path) -> str:
    """Three hundred searches of 128 words, from 64 threads."""
    return _searched(bundle, store, 128)


def short_searches(bundle: Path, store: Path) -> str:
    """Three hundred searches of 8 words, from 64 threads."""
    return _searched(bundle, store, 8)


def _searched(bundle: Path, store: Path, words: int) -> str:
    path = f"/items?query={quote(' '.join('t' * words))}"
    with running_server(bundle, store) as server, bystander(server, "/recommendations", QUESTION) as seen:
        start = time.monotonic()
        statuses = together(64, lambda _: ask(server, "GET", path)[0], range(300))
        return f"{seen}; {counted(statuses)} in {time.monotonic() - start:.1f} s"


def misspelled(bundle: Path, store: Path) -> str:
    """Two hundred questions for a category that there is not, from 16 threads."""
    body = QUESTION | {"filters": {"category": "Gardne > Toosl of the house and of the garden"}}
    with running_server(bundle, store) as server, bystander(server, "/recommendations", QUESTION) as seen:
        statuses = together(16, lambda _: ask(server, "POST", "/recommendations", body)[0], range(200))
        return f"{seen}; {counted(statuses)}"


def deletions(bundle: Path, store: Path) -> str:
    """Three hundred users whom nobody knows are forgotten, from 16 threads; the bystander stores events."""
    event = {"user_id": "c7", "item_id": "sku-003", "event_type": "view"}
    with running_server(bundle, store) as server:
        crowd = [event | {"user_id": f"live-{place}"} for place in range(500)]
        for turn in range(40):
            rows = [one | {"user_id": f"{one['user_id']}-{turn}"} for one in crowd]
            assert ask(server, "POST", "/events", rows)[0] == 200
        with bystander(server, "/events", event) as seen:
            start = time.monotonic()
            statuses = together(16, lambda place: ask(server, "DELETE", f"/users/nobody-{place}")[0], range(300))
            return f"{seen}; {counted(statuses)} in {time.monotonic() - start:.1f} s"


def dead_callers(bundle: Path, store: Path) -> str:
    """A thousand callers ask for long lists with reasons and hang up."""
    body = json.dumps({"history": [f"sku-{place:03d}" for place in range(2000)], "k": 100, "explain": True}).encode()
    head = b"POST /recommendations HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)

    def call(server: Server) -> None:
        with suppress(OSError), plain(server) as connection:
            connection.sendall(head + body)

    with running_server(bundle, store) as server, bystander(server, "/recommendations", QUESTION) as seen:
        together(16, lambda _: call(server), range(1000))
        time.sleep(0.2)
        ask(server, "POST", "/recommendations", QUESTION)
        return str(seen)


def half_open(bundle: Path, store: Path) -> str:
    """Fifty callers begin and go no further: with nothing, with a line, with half a body."""
    starts = [b"", b"\r\n", b"POST /events HTTP/1.1\r\nHost: a\r\n",
              b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n{"]  # fmt: skip

    def closed_after(server: Server, number: int) -> str:
        with plain(server) as connection:
            connection.settimeout(40)
            connection.sendall(starts[number % len(starts)])
            start = time.monotonic()
            try:
                while connection.recv(1000):
                    """Until it is closed."""
            except TimeoutError:
                return "never within 40 s"
            except OSError:
                """Closed too."""
            return f"about {round(time.monotonic() - start, -1):.0f} s"

    with running_server(bundle, store) as server:
        ends = together(52, lambda number: closed_after(server, number), range(52))
        kinds = ("nothing", "an empty line", "half a header", "half a body")
        return "; ".join(f"{kind}: closed {counted(ends[place::4])}" for place, kind in enumerate(kinds))


ATTACKS: Final = (
    huge_items, attributes, headers, fields, searches, short_searches, misspelled, deletions, dead_callers, half_open,
)  # fmt: skip


def main(names: list[str]) -> None:
    """Runs the named attacks, or all."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = shop_bundle(Path(folder) / "bundle", **SHOP)
        for attack in ATTACKS:
            if not names or attack.__name__ in names:
                figures = attack(bundle, Path(folder) / f"{attack.__name__}.db")
                print(f"{attack.__name__}: {figures}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
