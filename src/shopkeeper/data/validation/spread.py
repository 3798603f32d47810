"""How a log lies in time: where a time split divides it, and when events come of shoppers who were seen before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopkeeper.data import schema
from shopkeeper.data.cutoffs import Cutoffs
from shopkeeper.data.examples.enough import Counted
from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.validation.rows import latest, moment
from shopkeeper.data.validation.settings import ValidationSettings
from shopkeeper.types import Int64Array

if TYPE_CHECKING:
    from shopkeeper.data.events import Events

NOTHING = Counted(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


@dataclass(frozen=True)
class Spread:
    """Moments in Unix microseconds.

    Attributes:
        first: Of the first event.
        end: Behind the last event.
        cutoffs: Of a time split with its default shares, to the hour.
        returning: Events of each type by hour, of shoppers who had an earlier event of interest.
    """

    first: int
    end: int
    cutoffs: Cutoffs
    returning: Mapping[EventType, Counted]

    def counted(self, kind: EventType) -> Counted:
        """Events of a type of shoppers who were seen before."""
        return self.returning.get(kind, NOTHING)


def spread_of(events: Events, settings: ValidationSettings) -> Spread | None:
    """Counts by hour; None where no event has a possible time.

    Args:
        events: The log.
        settings: Which times are possible.
    """
    time, kind = events.table[schema.TIMESTAMP], events.table[schema.EVENT_TYPE]
    possible = (time >= moment(settings.earliest)) & (time <= moment(latest(settings)))
    known = events.table[schema.USER_ID].notnull() & events.table[schema.ITEM_ID].notnull()
    there = events.table.filter(possible & known & kind.notnull())
    slim = there.select(user=there[schema.USER_ID], kind=there[schema.EVENT_TYPE], time=there[schema.TIMESTAMP])
    wanted = slim.filter(slim.kind.isin([one.value for one in INTEREST_TYPES]))
    seen = wanted.group_by("user").aggregate(seen=wanted.time.min())
    joined = slim.left_join(seen, "user")
    by_hour = joined.select(hour=joined.time.truncate("h"), kind=joined.kind, time=joined.time,
                            again=(joined.time > joined.seen).fill_null(False))  # fmt: skip
    counted = by_hour.group_by(["hour", "kind"]).aggregate(
        n=by_hour.count(), again=by_hour.again.sum(), first=by_hour.time.min(), last=by_hour.time.max()
    ).order_by("hour").to_pyarrow()  # fmt: skip
    return _spread(counted) if counted.num_rows else None


def _spread(counted: Any) -> Spread:
    hour, first, last = (
        counted.column(name).cast("timestamp[us]").cast("int64").to_numpy() for name in ("hour", "first", "last")
    )
    number, again = (counted.column(name).cast("int64").to_numpy() for name in ("n", "again"))
    kinds = np.asarray(counted.column("kind").to_pylist())
    returning = {one: Counted(first[kinds == one.value], again[kinds == one.value]) for one in INTEREST_TYPES}
    split = SplitSettings()
    train_until, validation_until = (
        _quantile(hour, number, 1 - share) for share in (split.validation_share + split.test_share, split.test_share)
    )
    return Spread(int(first.min()), int(last.max()) + 1, Cutoffs(train_until, train_until, validation_until), returning)


def _quantile(hour: Int64Array, number: Int64Array, share: float) -> int:
    """The hour before which about this share of the events lies."""
    reached = np.cumsum(number)
    return int(hour[np.searchsorted(reached, share * reached[-1], side="right").clip(max=len(hour) - 1)])
