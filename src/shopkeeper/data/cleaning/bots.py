"""Bots by rate: users with more events in a day than people have."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.data.cleaning.bounds import robust_bounds
from shopkeeper.data.cleaning.log import Log, Verdict, runs, user_starts
from shopkeeper.data.cleaning.reasons import Reason
from shopkeeper.types import BoolArray

DAY = 86_400 * 1_000_000


class BotSettings(Settings):
    """Who counts as a bot."""

    drop: bool = True
    """Whether bots are left out."""
    events_a_day: Annotated[int, Field(ge=1)] = 500
    """Nobody with at most so many events in each day is a bot, whatever is usual."""
    deviations: Annotated[float, Field(gt=0)] = 6.0
    """Distance of the bound from the median of events in a user's day, in robust standard deviations of the log."""


def floods(log: Log, events_a_day: int) -> BoolArray:
    """Events of days (UTC) in which their user had more than so many, bool [events]; of a log in any order."""
    many = np.bincount(log.user)[log.user] > events_a_day
    many[log.user == 0] = False
    places = np.flatnonzero(many)
    day = log.time[places] // DAY
    key = log.user[places].astype(np.int64) * (int(day.max(initial=0)) + 1) + day
    _, of_key, times = np.unique(key, return_inverse=True, return_counts=True)
    many[places] = times[of_key] > events_a_day
    return many


def bots(log: Log, settings: BotSettings, fit_until: int | None) -> Verdict:
    """Finds the events of users who in one day (UTC) had more events than the bound.

    The bound is fitted on days of training. A user beyond it in training goes whole; a user beyond it only later
    loses the later events, so that training does not depend on what comes after it.

    Args:
        log: Sorted by user and time.
        settings: What counts as a bot.
        fit_until: Training ends before this moment, Unix microseconds; None takes the whole log.
    """
    starts = user_starts(log.user)
    day = (log.time // DAY).astype(np.int32)
    starts[1:] |= day[1:] != day[:-1]
    later = np.zeros(len(log), dtype=bool) if fit_until is None else log.time >= fit_until
    starts[1:] |= later[1:] != later[:-1]
    first, length = runs(starts)
    in_training = ~later[first]
    bound = robust_bounds(length[in_training], settings.deviations, 1.0).upper if in_training.any() else 0.0
    bound = max(bound, float(settings.events_a_day))
    users, beyond = log.user[first], length > bound
    flags = np.zeros((2, int(log.user[-1]) + 1 if len(log) else 1), dtype=bool)
    flags[0, users[beyond & in_training]] = True
    flags[1, users[beyond]] = True
    reject = flags[0][log.user] | (later & flags[1][log.user])
    facts = {"bound_events_a_day": bound, "users": int(np.count_nonzero(flags[1]))}
    return Verdict.of({Reason.BOT: reject}, len(log), facts)
