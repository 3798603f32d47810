"""Kills the service under load, again and again: is an acknowledged event ever missing, or there twice?

`shopkeeper serve` runs on the loopback address over SQLite and then over PostgreSQL. Clients post events, one and
several at a time, and write the id of each acknowledged one to a file, synced to disk, before they go on. At a random
moment the service and all its workers are killed with signal 9 and started again; what was not acknowledged is sent
again with the same ids, as a client should. After each start the last acknowledged event of every client must be in
the history of its shopper within a second; in the end the acknowledged ids are compared with the rows of the store.

PostgreSQL: the server in SHOPKEEPER_TEST_POSTGRES, or one started from binaries on this machine.

    python benchmarks/crash.py --kills 50 --json OUT
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.crash_client import Clients, Ledger
from benchmarks.crash_service import Service, make_bundle
from shopkeeper.serving.event_store.store import EventStore

PAGE = 50_000


@dataclass(frozen=True)
class Outcome:
    """What came of one database.

    Attributes:
        database: ``"SQLite"`` or ``"PostgreSQL"``.
        kills: How often the service was killed.
        acknowledged: Events that the service said it had stored.
        stored: Rows of the store in the end.
        missing: Acknowledged events that the store does not have.
        doubled: Rows beyond the first of the same event, whatever their ids.
        unseen: Times that a started service did not show a client's last acknowledged event in the shopper's history.
        sent_again: Events of unanswered requests that were sent again.
        resent_duplicates: Those of them that had been stored before the kill.
        restart_median_s: From the start of the process to the first good answer.
        restart_max_s: The longest one.
        seconds: All in all.
    """

    database: str
    kills: int
    acknowledged: int
    stored: int
    missing: int
    doubled: int
    unseen: int
    sent_again: int
    resent_duplicates: int
    restart_median_s: float
    restart_max_s: float
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing is missing, doubled or unseen, and something was at stake."""
        return self.missing == self.doubled == self.unseen == 0 and self.acknowledged > 0


def main() -> None:
    """Runs the databases, prints the table, writes the JSON; exit code 1 where something was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="kills for each database")
    parser.add_argument("--databases", default="sqlite,postgresql", help="which, separated by commas")
    parser.add_argument("--clients", type=int, default=8, help="clients that post at the same time")
    parser.add_argument("--workers", type=int, default=1, help="worker processes of the service")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments of the kills")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="shopkeeper-crash-"))
    try:
        outcomes = [
            crash(name, folder, options.kills, options.clients, options.workers, options.seed)
            for name in options.databases.split(",")
        ]
    finally:
        shutil.rmtree(folder)
    print_table(outcomes)
    if options.json:
        found = [asdict(outcome) for outcome in outcomes]
        options.json.write_text(json.dumps({"workers": options.workers, "results": found}, indent=2) + "\n")
    if not all(outcome.good for outcome in outcomes):
        sys.exit(1)


def crash(database: str, folder: Path, kills: int, n_clients: int, workers: int, seed: int) -> Outcome:
    """One database: load, kill, start again, so many times; then the store beside the acknowledged ids."""
    generator = random.Random(seed)  # noqa: S311
    begin = time.perf_counter()
    address = _address(database, folder)
    ledger = Ledger(folder / f"{database}-acknowledged.txt")
    starts: list[float] = []
    unseen = 0
    with ExitStack() as stack:
        service = Service(make_bundle(folder / f"{database}-bundle"), address, workers, folder / f"{database}.log")
        stack.callback(service.stop)
        starts.append(service.start())
        clients = Clients(service, ledger, n_clients)
        stack.callback(clients.stop)
        clients.start()
        for kill in range(kills):
            time.sleep(generator.uniform(0.2, 1.2))
            service.kill()
            starts.append(service.start())
            unseen += clients.unseen()
            print(f"\r{database}: {kill + 1} of {kills} kills, {len(ledger):,} events acknowledged", end="", flush=True)
        time.sleep(0.5)
        clients.stop()
        unseen += clients.unseen()
    print()
    return compared(address, ledger, Outcome(
        database={"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database], kills=kills, acknowledged=len(ledger),
        stored=0, missing=0, doubled=0, unseen=unseen, sent_again=clients.sent_again,
        resent_duplicates=clients.duplicates, restart_median_s=round(float(np.median(starts)), 2),
        restart_max_s=round(max(starts), 2), seconds=round(time.perf_counter() - begin, 1),
    ))  # fmt: skip


def _address(database: str, folder: Path) -> str:
    if database == "sqlite":
        return f"sqlite:///{folder / 'shop.db'}"
    address: str = importlib.import_module("tests.postgres").database()
    return address


def compared(address: str, ledger: Ledger, outcome: Outcome) -> Outcome:
    """The same with the figures of the store, read anew."""
    store = EventStore.open(address)
    ids: Counter[str] = Counter()
    contents: Counter[tuple[object, ...]] = Counter()
    cursor = 0
    while page := store.after(cursor, PAGE):
        cursor = page[-1].sequence
        ids.update(stored.event.event_id for stored in page)
        contents.update((stored.event.user_id, stored.event.item_id, stored.event.timestamp) for stored in page)
    store.close()
    acknowledged = ledger.read()
    doubled = sum(count - 1 for count in ids.values()) + sum(count - 1 for count in contents.values())
    return Outcome(**{
        **asdict(outcome), "stored": sum(ids.values()), "missing": len(acknowledged - ids.keys()),
        "doubled": doubled + len(ledger) - len(acknowledged),
    })  # fmt: skip


def print_table(outcomes: list[Outcome]) -> None:
    """A row for each database."""
    columns = ("acknowledged", "stored", "missing", "doubled", "unseen", "sent_again", "resent_duplicates")
    words = ("acknowledged", "stored", "missing", "doubled", "unseen", "sent again", "of them stored")
    print(f"{'database':<11} {'kills':>5} " + " ".join(f"{word:>14}" for word in words) + "   restart s (max)")
    for outcome in outcomes:
        values = asdict(outcome)
        print(
            f"{outcome.database:<11} {outcome.kills:>5} "
            + " ".join(f"{values[column]:>14,}" for column in columns)
            + f"   {outcome.restart_median_s:.1f} ({outcome.restart_max_s:.1f})"
        )


if __name__ == "__main__":
    main()
