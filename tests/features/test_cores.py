"""Work side by side: all of it is done, and torch has its threads again, whoever else worked meanwhile."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
import torch
from threadpoolctl import threadpool_info

from shopkeeper.features.cores import side_by_side


def test_all_work_is_done_with_one_thread_each() -> None:
    before, seen, done = torch.get_num_threads(), set[int](), list[int]()

    def work(piece: int) -> None:
        seen.add(torch.get_num_threads())
        done.append(piece)

    side_by_side(work, range(20))
    assert sorted(done) == list(range(20))
    assert seen == {1}
    assert torch.get_num_threads() == before


def test_an_error_is_passed_on_and_the_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda piece: 1 // piece, [0])
    assert torch.get_num_threads() == before


def test_two_who_overlap_put_back_what_was_before_both() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    both_inside, first_is_out = Barrier(2), Barrier(2)

    def first() -> None:
        side_by_side(lambda _: both_inside.wait(5), [0])
        first_is_out.wait(5)

    def second() -> None:
        side_by_side(lambda _: (both_inside.wait(5), first_is_out.wait(5)), [0])

    threads = [Thread(target=first), Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_blas_is_limited_and_put_back_in_the_same_way() -> None:
    def threads() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before, seen = threads(), list[list[int]]()
    side_by_side(lambda _: seen.append(threads()), range(3), "blas")
    assert seen == [[1] * len(before)] * 3
    assert threads() == before
