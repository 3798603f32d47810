"""How a log is split: which events train, which are held out, and by what rule."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.data.schema import INTEREST_TYPES, EventType


class SplitSettings(Settings):
    """How a log is split."""

    kind: Literal["global_time", "leave_one_out", "ratio", "session", "user"] = "global_time"
    """`global_time`: everything before a moment trains. `leave_one_out`: the last event of each shopper is the test,
    the one before it the validation (leaks the future). `ratio`: the last share of each shopper's events (leaks the
    future). `session`: the last sessions in time, each shopper asked for the last event. `user`: some shoppers are
    held out whole, asked for their last event (leaks the future)."""
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of events (of shoppers for `user`, of sessions for `session`) for validation."""
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of events (of shoppers for `user`, of sessions for `session`) for the test."""
    train_until: datetime | None = None
    """`global_time`: training ends before this moment (UTC), in place of the shares."""
    validation_until: datetime | None = None
    """`global_time`: validation ends before this moment (UTC), in place of the shares."""
    gap_days: Annotated[float, Field(ge=0)] = 0.0
    """`global_time`: events so long after the end of training are left out, as a shop that trains nightly has them."""
    history_types: tuple[EventType, ...] = INTEREST_TYPES
    """Event types that make the histories."""
    target_types: tuple[EventType, ...] = INTEREST_TYPES
    """Event types that are held out and asked for."""
    cold_items: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the items of training, those that appeared last, whose events are kept from training: new items."""
    cold_users: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the shoppers of training, those who appeared last, whose events are kept from training."""
    max_users: Annotated[int, Field(ge=1)] | None = None
    """Ask at most so many shoppers in each part, a fixed sample by seed; None asks all."""
    seed: int = 0
    """Seed of samples."""
