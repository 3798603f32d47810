"""The clock of searches."""

from __future__ import annotations

import pytest
from looks import Looks

from shopkeeper.jobs import select_search, tune, tune_clock


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """The clock of all searches of a test."""
    clock = Looks()
    for module in (tune, tune_clock, select_search):
        monkeypatch.setattr(module, "time", clock)
    return clock
