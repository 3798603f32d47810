"""A fresh, empty database of each kind; and how its events look in another process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shopkeeper.serving.event_store.records import IdKinds
from shopkeeper.serving.event_store.store import EventStore

TEXT_IDS = IdKinds(user_integer=False, item_integer=False)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    from postgres import database

    return database()


@pytest.fixture
def store(address: str) -> Iterator[EventStore]:
    opened = EventStore.open(address, TEXT_IDS)
    yield opened
    opened.close()
