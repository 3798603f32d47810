"""Several writers at once, threads and processes, on SQLite and on PostgreSQL."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from shop_events import open_at, shop_event, write_batches

from shopkeeper.serving.event_store import tables
from shopkeeper.serving.event_store.records import IdKinds
from shopkeeper.serving.event_store.store import EventStore
from waiting import A_LONG_TIME

TEXT_IDS = IdKinds(user_integer=False, item_integer=False)
SPAWN = multiprocessing.get_context("spawn")
BATCHES, SIZE, SHARED = 25, 3, 2


def check_all_there(store: EventStore, writers: list[str], new: list[int]) -> None:
    """Own events once each, shared ones once among all, and every acknowledged one is there."""
    stored = store.after(0, 100_000)
    ids = [row.event.event_id for row in stored]
    own = {f"{writer}-{batch}-{place}" for writer in writers for batch in range(BATCHES) for place in range(SIZE)}
    shared = {f"common-{batch}-{place}" for batch in range(BATCHES) for place in range(SHARED)}
    assert len(ids) == len(set(ids))
    assert set(ids) == own | shared
    assert sum(new) == len(ids)
    sequences = [row.sequence for row in stored]
    assert sequences == sorted(set(sequences))


def test_threads_lose_and_double_nothing(store: EventStore, address: str) -> None:
    writers = [f"thread{number}" for number in range(6)]
    with ThreadPoolExecutor(len(writers)) as threads:
        new = list(threads.map(lambda writer: write_batches(address, writer, BATCHES, SIZE, SHARED), writers))
    check_all_there(store, writers, new)


def test_processes_that_open_a_new_store_at_once_lose_and_double_nothing(address: str) -> None:
    writers = [f"process{number}" for number in range(3)]
    with ProcessPoolExecutor(len(writers), mp_context=SPAWN) as processes:
        running = [processes.submit(write_batches, address, writer, BATCHES, SIZE, SHARED) for writer in writers]
        new = [one.result(timeout=A_LONG_TIME) for one in running]
    store = EventStore.open(address)
    check_all_there(store, writers, new)
    store.close()


def test_processes_that_open_new_files_at_the_same_moment_wait_for_each_other(tmp_path: Path) -> None:
    openers, rounds = 4, 60
    with ProcessPoolExecutor(openers, mp_context=SPAWN) as processes:
        list(processes.map(open_at, [f"sqlite:///{tmp_path}/warm.db"] * openers, [0.0] * openers))
        for number in range(rounds):
            address, moment = f"sqlite:///{tmp_path}/shop{number}.db", time.time() + 0.01
            list(processes.map(open_at, [address] * openers, [moment] * openers))


def test_a_reader_that_follows_the_sequence_misses_nothing(store: EventStore, address: str) -> None:
    writers = [f"thread{number}" for number in range(4)]
    done = threading.Event()
    seen: list[str] = []

    def follow() -> None:
        reader, cursor = EventStore.open(address, TEXT_IDS), 0
        while True:
            last_round = done.is_set()
            rows = reader.after(cursor, 7)
            seen.extend(row.event.event_id for row in rows)
            cursor = rows[-1].sequence if rows else cursor
            if last_round and not rows:
                break
        reader.close()

    following = threading.Thread(target=follow)
    following.start()
    with ThreadPoolExecutor(len(writers)) as threads:
        list(threads.map(lambda writer: write_batches(address, writer, BATCHES, SIZE), writers))
    done.set()
    following.join(A_LONG_TIME)
    assert seen == [row.event.event_id for row in store.after(0, 100_000)]
    assert len(seen) == len(writers) * BATCHES * SIZE


def test_a_later_sequence_is_never_visible_before_an_earlier_one(store: EventStore) -> None:
    """Two writers overlap: the second waits, so that a reader in between sees neither and not only the second."""
    with ThreadPoolExecutor(1) as thread:
        with store.writing() as connection:
            row = {**shop_event("slow")._asdict(), "event_type": "view"}
            connection.execute(tables.events.insert(), [row])
            quick = thread.submit(store.add, [shop_event("quick")])
            time.sleep(0.3)
            assert not quick.done()
            assert store.after(0, 10) == []
        assert quick.result(timeout=A_LONG_TIME) == [2]
    assert [row.event.event_id for row in store.after(0, 10)] == ["slow", "quick"]


def test_a_process_that_comes_and_goes_takes_nothing_away(tmp_path: Path) -> None:
    """SQLite removes its log of writes with the last process; one that holds connections is there all the while."""
    store = EventStore.open(tmp_path / "shop.db", TEXT_IDS)
    with store.reading(), store.reading():
        pass  # two connections in the pool, one opened after the other
    look = (
        "import sys; from shopkeeper.serving.event_store.store import EventStore; "
        "store = EventStore.open(sys.argv[1]); print(len(store.after(0, 10))); store.close()"
    )
    for number in range(3):
        found = subprocess.run(
            [sys.executable, "-c", look, str(tmp_path / "shop.db")], capture_output=True, text=True, check=True
        )  # fmt: skip
        assert int(found.stdout) == number
        store.add([shop_event(f"n{number}")])
    store.close()


def test_one_store_object_serves_many_threads(store: EventStore) -> None:
    def work(number: int) -> list[int | None]:
        store.position()
        return store.add([shop_event(f"{number}-{place}") for place in range(4)] + [shop_event("the same")])

    with ThreadPoolExecutor(12) as threads:
        results = list(threads.map(work, range(60)))
    given = [sequence for result in results for sequence in result if sequence is not None]
    assert len(given) == len(set(given)) == 60 * 4 + 1
    assert sum(result[-1] is not None for result in results) == 1


def acknowledge_forever(address: str, acknowledged: int) -> None:
    """Adds events one by one and tells each acknowledged number through a pipe."""
    store = EventStore.open(address, TEXT_IDS)
    for number in range(1_000_000):
        store.add([shop_event(f"n{number}")])
        os.write(acknowledged, f"{number}\n".encode())


def test_a_killed_writer_has_lost_nothing_that_it_acknowledged(store: EventStore, address: str) -> None:
    for _ in range(3):
        reading, writing = os.pipe()
        child = multiprocessing.get_context("fork").Process(target=acknowledge_forever, args=(address, writing))
        child.start()
        os.close(writing)
        with os.fdopen(reading) as lines:
            numbers = [int(next(lines)) for _ in range(20)]
            os.kill(child.pid or 0, signal.SIGKILL)
            child.join()
            numbers += [int(line) for line in lines if line.endswith("\n")]
        there = {row.event.event_id for row in store.after(0, 1_000_000)}
        assert {f"n{number}" for number in numbers} <= there


def test_deletions_and_additions_at_once_agree_on_their_order(store: EventStore) -> None:
    """What was acknowledged before a deletion is gone, what came after it stays."""

    def add(start: int) -> None:
        for number in range(start, start + 40):
            store.add([shop_event(f"e{number}", "ann")])

    with ThreadPoolExecutor(3) as threads:
        adding = [threads.submit(add, start) for start in (0, 100)]
        threads.submit(lambda: [store.delete_user("ann") for _ in range(5)]).result()
        for one in adding:
            one.result()
    last = store.deletions_after(0)[-1]
    assert all(row.sequence > last.after_sequence for row in store.after(0, 1000))
