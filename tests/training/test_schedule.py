from __future__ import annotations

import pytest

from shopkeeper.training.schedule import rate_share
from shopkeeper.training.settings import ScheduleSettings


def shares(total: int, **settings) -> list[float]:
    return [round(rate_share(ScheduleSettings(**settings), step, total), 4) for step in range(total)]


def test_shapes_by_eye():
    assert shares(5, name="constant") == [1, 1, 1, 1, 1]
    assert shares(5, name="linear") == [1, 0.75, 0.5, 0.25, 0]
    assert shares(5, name="cosine") == [1, 0.8536, 0.5, 0.1464, 0]
    assert shares(5, name="linear", final_share=0.2) == [1, 0.8, 0.6, 0.4, 0.2]


def test_warm_up_rises_to_the_peak_and_never_stands_at_zero():
    assert shares(8, name="constant", warmup_share=0.375) == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]
    assert shares(6, name="linear", warmup_share=0.2) == [0.3333, 0.6667, 1, 0.6667, 0.3333, 0]


@pytest.mark.parametrize("name", ["constant", "linear", "cosine"])
def test_runs_of_one_and_two_steps(name):
    assert shares(1, name=name) == [1]
    assert shares(2, name=name)[0] == 1
    assert all(0 <= share <= 1 for share in shares(2, name=name, warmup_share=0.9))
