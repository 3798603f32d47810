"""A bundle that live items stand over, and a store that tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from server import shop_bundle

from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.serving.event_store.records import IdKinds
from shopkeeper.serving.event_store.store import EventStore


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Of transitions; do not change it."""
    return Bundle.load(shop_bundle(tmp_path_factory.mktemp("live_items") / "bundle"), mapped=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    opened = EventStore.open(tmp_path / "shop.db", IdKinds(user_integer=False, item_integer=False))
    yield opened
    opened.close()
