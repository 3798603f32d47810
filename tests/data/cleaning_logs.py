"""Logs for tests of cleaning: from rows that can be read by eye."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shopkeeper.data.cleaning.log import Log
from shopkeeper.data.cleaning.reasons import REASONS
from shopkeeper.data.schema import EventType

SECOND = 1_000_000


def log_of(rows: Sequence[tuple], quantity: bool = False) -> Log:
    """Rows of (user, item, seconds[, type[, quantity]]), in the order of a sorted log; views without a type."""
    types = [row[3] if len(row) > 3 else EventType.VIEW for row in rows]
    units = [row[4] if len(row) > 4 else np.nan for row in rows]
    return Log(
        user=np.array([row[0] for row in rows], dtype=np.int32),
        item=np.array([row[1] for row in rows], dtype=np.int32),
        event_type=np.array([event_type.code for event_type in types], dtype=np.uint8),
        time=np.array([row[2] * SECOND for row in rows], dtype=np.int64),
        row=np.arange(len(rows), dtype=np.int32),
        quantity=np.array(units, dtype=np.float32) if quantity else None,
    )


def words(reason: np.ndarray) -> list[str]:
    """The reasons as words, "" for an event that stays."""
    return ["" if code == 0 else REASONS[code - 1].value for code in reason]
