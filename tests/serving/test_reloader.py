"""When a bundle is looked at, taken, refused, and looked at again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from shopkeeper.artifacts import open_artifact, write_artifact
from shopkeeper.errors import ArtifactError, StoreError
from shopkeeper.serving.metrics import Metrics
from shopkeeper.serving.reload import Reloader


def write(folder: Path, number: int) -> None:
    with write_artifact(folder, "thing") as writer:
        writer.json("number.json", number)


def number(folder: Path) -> int:
    return int(open_artifact(folder, "thing").json("number.json"))


class Shop:
    """A folder that is looked after, and what was taken from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taken: list[int] = []
        self.loads = 0
        self.while_loading: Callable[[], None] = lambda: None
        self.put: Callable[[int], None] = self.taken.append
        write(folder, 1)
        self.reloader = Reloader(folder, self.load, self.put_it, 1.0, Metrics())

    def put_it(self, found: int) -> None:
        self.put(found)

    def load(self) -> int:
        self.loads += 1
        found = number(self.folder)
        self.while_loading()
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "it")


def test_what_stands_there_already_is_not_loaded(shop: Shop) -> None:
    shop.reloader.look()
    assert shop.loads == 0


def test_a_new_one_is_taken_once(shop: Shop) -> None:
    write(shop.folder, 2)
    shop.reloader.look()
    shop.reloader.look()
    assert (shop.taken, shop.loads) == ([2], 1)


def test_one_that_is_replaced_while_it_is_read_is_not_taken(shop: Shop) -> None:
    write(shop.folder, 2)
    shop.while_loading = lambda: write(shop.folder, 3)
    shop.reloader.look()
    assert shop.taken == []
    shop.while_loading = lambda: None
    shop.reloader.look()
    assert shop.taken == [3]
    assert shop.reloader.refused is None


def test_one_that_breaks_while_it_is_replaced_is_not_refused(shop: Shop) -> None:
    def replaced() -> None:
        write(shop.folder, 3)
        raise ArtifactError("read from both")

    write(shop.folder, 2)
    shop.while_loading = replaced
    shop.reloader.look()
    assert (shop.taken, shop.reloader.refused) == ([], None)


def test_a_damaged_one_is_refused_once_and_a_whole_one_taken_after_it(shop: Shop) -> None:
    (shop.folder / "number.json").write_text("22\n")
    shop.reloader.look()
    shop.reloader.look()
    assert (shop.taken, shop.loads) == ([], 1)
    assert shop.reloader.refused is not None
    assert "changed" in shop.reloader.refused.problem
    write(shop.folder, 2)
    shop.reloader.look()
    assert (shop.taken, shop.reloader.refused) == ([2], None)


def test_a_fault_of_the_loader_is_a_refusal_too(shop: Shop) -> None:
    def fail() -> None:
        raise ZeroDivisionError("of somebody")

    write(shop.folder, 2)
    shop.while_loading = fail
    shop.reloader.look()
    assert shop.reloader.refused is not None
    assert shop.reloader.refused.problem == "ZeroDivisionError: of somebody"


def test_while_the_store_is_away_the_next_look_tries_again(shop: Shop) -> None:
    def away(_: int) -> None:
        raise StoreError("away")

    write(shop.folder, 2)
    shop.put = away
    with pytest.raises(StoreError):
        shop.reloader.look()
    assert shop.reloader.refused is None
    shop.put = shop.taken.append
    shop.reloader.look()
    assert shop.taken == [2]


def test_a_network_gets_its_share_of_the_cores() -> None:
    torch = pytest.importorskip("torch")
    from shopkeeper.serving.service import share_cores
    from shopkeeper.serving.settings import ServiceSettings

    before = torch.get_num_threads()
    try:
        share_cores(ServiceSettings(threads=1).threads_per_worker)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    assert ServiceSettings(workers=64).threads_per_worker == 1


def test_the_thread_outlives_what_nobody_expected(tmp_path: Path) -> None:
    shop, seen = Shop(tmp_path / "it"), Event()
    reloader = Reloader(shop.folder, shop.load, shop.put_it, 0.01, Metrics())
    failures = iter([MemoryError("no room")])

    def put(found: int) -> None:
        for failure in failures:
            raise failure
        shop.taken.append(found)
        seen.set()

    shop.put = put
    reloader.start()
    write(shop.folder, 2)
    assert seen.wait(10)
    reloader.close()
    assert shop.taken == [2]
