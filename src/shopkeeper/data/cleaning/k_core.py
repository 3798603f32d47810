"""K-core: shoppers and items with too few events are left out, over and over until all have enough."""

from __future__ import annotations

from threading import Lock
from typing import Annotated

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.data.cleaning.log import CHUNK, Log, Verdict, runs, user_starts
from shopkeeper.data.cleaning.reasons import Reason
from shopkeeper.data.cleaning.threads import in_threads
from shopkeeper.types import BoolArray, Int32Array, Int64Array


class KCoreSettings(Settings):
    """How many events a shopper and an item must have. The defaults keep all."""

    min_user_events: Annotated[int, Field(ge=1)] = 1
    """Shoppers with fewer events in training are left out of it."""
    min_item_events: Annotated[int, Field(ge=1)] = 1
    """Items with fewer events in training are left out."""
    max_rounds: Annotated[int, Field(ge=1)] | None = None
    """Each round counts shoppers, then items; None goes on until nothing changes."""

    @property
    def drops(self) -> bool:
        """Whether anything can be left out."""
        return self.min_user_events > 1 or self.min_item_events > 1


def k_core(log: Log, settings: KCoreSettings, fit_until: int | None) -> Verdict:
    """Finds the events of rare shoppers and items.

    Only events of training are counted. A rare item goes from training and from what comes later; a rare shopper only
    goes from training, since a shopper who is asked for later needs no history there.

    Args:
        log: Sorted by user.
        settings: The least counts.
        fit_until: Training ends before this moment, Unix microseconds; None takes the whole log.
    """
    later = None if fit_until is None else log.time >= fit_until
    alive = np.ones(len(log), dtype=bool) if later is None else ~later
    first, length = runs(user_starts(log.user)) if len(log) else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    rare_user, common = np.zeros(len(log), dtype=bool), np.ones(int(log.item.max(initial=0)) + 1, dtype=bool)
    n_alive, rounds = int(np.count_nonzero(alive)), 0
    while rounds < (settings.max_rounds or len(log) + 1) and len(log):
        enough = np.add.reduceat(alive, first, dtype=np.int32) >= settings.min_user_events
        enough = np.repeat(enough, length)
        rare_user |= alive & ~enough
        alive &= enough
        if settings.min_item_events > 1:
            common &= _item_counts(log.item, alive, len(common)) >= settings.min_item_events
            _drop_rare(log.item, alive, common)
        rounds, before, n_alive = rounds + 1, n_alive, int(np.count_nonzero(alive))
        if n_alive == before:
            break
    rare_item = ~(alive | rare_user) if later is None else ~(alive | rare_user | (later & common[log.item]))
    return Verdict.of({Reason.RARE_USER: rare_user, Reason.RARE_ITEM: rare_item}, len(log), {"rounds": rounds})


def _item_counts(item: Int32Array, alive: BoolArray, n_items: int) -> Int64Array:
    """Events of each item among those alive, int64 [n_items]; in chunks, since `bincount` makes 64-bit copies."""
    counts = np.zeros(n_items, dtype=np.int64)
    adding = Lock()

    def count(start: int) -> None:
        span = slice(start, start + CHUNK)
        found = np.bincount(item[span][alive[span]], minlength=n_items)
        with adding:
            np.add(counts, found, out=counts)

    in_threads(count, range(0, len(item), CHUNK))
    return counts


def _drop_rare(item: Int32Array, alive: BoolArray, common: BoolArray) -> None:
    """Unmarks the events of items that are not common, in place."""

    def drop(start: int) -> None:
        span = slice(start, start + CHUNK)
        alive[span] &= common[item[span]]

    in_threads(drop, range(0, len(item), CHUNK))
