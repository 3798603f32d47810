"""Which events train, which are known when a question is asked, and which are asked: the five kinds of split.

Each kind gives boolean masks over all events of a dataset and nothing else; `split` cuts the parts out by them. Nothing
here loops over shoppers: what differs from shopper to shopper is a span of their events, and all spans are drawn at
once. Every mask takes one byte an event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.data.cold import Withheld, withheld
from shopkeeper.data.cutoffs import Cutoffs, cutoffs_of, quantile
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.schema import EVENT_TYPES, SESSION_ID, EventType
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Int32Array, Int64Array

if TYPE_CHECKING:
    from shopkeeper.data.split_settings import SplitSettings


@dataclass(frozen=True)
class Part:
    """The questions of one part: bool [events] each.

    Attributes:
        history: Known when asked (events of shoppers who are not asked do not matter).
        target: Asked for; a shopper with at least one such event is asked.
    """

    history: BoolArray
    target: BoolArray


@dataclass(frozen=True)
class Roles:
    """What each event is for.

    Attributes:
        train: bool [events]; what training may see.
        validation: Questions for choosing.
        test: Questions for the final figure.
        leaks_future: Whether training sees events later than a question.
        cutoffs: The moments between the parts, where time divides them.
        withheld: New items and shoppers whose events were taken out of `train`; None where none were asked for.
    """

    train: BoolArray
    validation: Part
    test: Part
    leaks_future: bool
    cutoffs: Cutoffs | None = field(default=None)
    withheld: Withheld | None = field(default=None)


def roles_of(dataset: Dataset, settings: SplitSettings) -> Roles:
    """The roles of all events by the kind of split that the settings name.

    Events of types that are neither in `history_types` nor in `target_types` have no role at all.

    Raises:
        DataError: The data lack what the kind needs.
    """
    roles = _KINDS[settings.kind](dataset, settings)
    if not settings.cold_items and not settings.cold_users:
        return roles
    taken = withheld(dataset, roles.train, settings)
    return replace(roles, train=roles.train & ~taken.events, withheld=taken)


def _global_time(dataset: Dataset, settings: SplitSettings) -> Roles:
    """Training before a moment, validation up to a second one, the test after it.

    The events of the gap train nothing and are not asked for, but the histories hold them: a shop that trains nightly
    knows at noon what its shoppers did in the morning. The test needs no gap of its own, validation lies between.
    """
    time = np.asarray(dataset.histories.timestamp)
    cutoffs = cutoffs_of(dataset, settings)
    history, target = _types(dataset, settings)
    before_validation, before_test = time < cutoffs.validation_from, time < cutoffs.validation_until
    return Roles(
        train=(time < cutoffs.train_until) & (history | target),
        validation=Part(before_validation & history, ~before_validation & before_test & target),
        test=Part(before_test & history, ~before_test & target),
        leaks_future=False,
        cutoffs=cutoffs,
    )


def _leave_one_out(dataset: Dataset, settings: SplitSettings) -> Roles:
    """The last target event of each shopper is the test, the one before it the validation.

    A question needs a history: a target before which a shopper did nothing is not asked for and trains instead.
    """
    history, target = _types(dataset, settings)
    test_at = _last_target(dataset, target, history, from_end=1)
    validation_at = _last_target(dataset, target, history, from_end=2)
    start, end = _bounds(dataset)
    held_out = np.where(validation_at >= 0, validation_at, test_at)
    return Roles(
        train=_spans(start, np.where(held_out >= 0, held_out, end), dataset.n_events) & (history | target),
        validation=_next_event(dataset, validation_at, history),
        test=_next_event(dataset, test_at, history),
        leaks_future=True,
    )


def _ratio(dataset: Dataset, settings: SplitSettings) -> Roles:
    """The last events of each shopper, by share.

    From two events on at least one is for the test, from three on at least one for validation.
    """
    history, target = _types(dataset, settings)
    events = np.flatnonzero(history | target)
    start, end = _bounds(dataset)
    first, last = np.searchsorted(events, start), np.searchsorted(events, end)
    n = last - first
    n_test = np.where(n >= 2, np.maximum(1, _share(n, settings.test_share)), 0)
    n_validation = np.where(n >= 3, np.maximum(1, _share(n, settings.validation_share)), 0)
    n_validation = np.minimum(n_validation, np.maximum(n - n_test - 1, 0))
    places = np.append(events, dataset.n_events)
    test_from = np.where(n_test > 0, places[last - n_test], end)
    validation_from = np.where(n_validation > 0, places[last - n_test - n_validation], test_from)
    before_test = _spans(start, test_from, dataset.n_events)
    before_validation = _spans(start, validation_from, dataset.n_events)
    return Roles(
        train=before_validation & (history | target),
        validation=Part(before_validation & history, before_test & ~before_validation & target),
        test=Part(before_test & history, ~before_test & target),
        leaks_future=True,
    )


def _session(dataset: Dataset, settings: SplitSettings) -> Roles:
    """The sessions that began last, whole; a session across a boundary trains nothing and is not asked for.

    Asked is the last target event that is not the first of its session; all that the shopper did before it is known.
    """
    if dataset.session_index is None:
        raise DataError(
            "a split by session needs sessions", remedy=f"give a column {SESSION_ID}, or split by global_time"
        )
    session, time = np.asarray(dataset.session_index), np.asarray(dataset.histories.timestamp)
    n_sessions = int(session.max(initial=-1)) + 1
    begin = np.full(n_sessions, np.iinfo(np.int64).max)
    finish = np.full(n_sessions, np.iinfo(np.int64).min)
    np.minimum.at(begin, session, time)
    np.maximum.at(finish, session, time)
    begun = begin[finish >= begin]
    test_from = quantile(begun, 1 - settings.test_share)
    validation_from = quantile(begun, 1 - settings.test_share - settings.validation_share)
    history, target = _types(dataset, settings)
    inner = target & ~_first_of_session(session, n_sessions)
    in_test = begin[session] >= test_from
    in_validation = (begin[session] >= validation_from) & (finish[session] < test_from)
    return Roles(
        train=(finish[session] < validation_from) & (history | target),
        validation=_next_event(dataset, _last_target(dataset, inner & in_validation, history), history),
        test=_next_event(dataset, _last_target(dataset, inner & in_test, history), history),
        leaks_future=False,
        cutoffs=Cutoffs(validation_from, validation_from, test_from),
    )


def _user(dataset: Dataset, settings: SplitSettings) -> Roles:
    """Some shoppers are held out whole and asked for their last target event that has a history."""
    history, target = _types(dataset, settings)
    order = np.random.default_rng(settings.seed).permutation(dataset.n_users)
    n_test = max(1, round(dataset.n_users * settings.test_share))
    n_validation = max(1, round(dataset.n_users * settings.validation_share))
    part = np.zeros(dataset.n_users, dtype=np.uint8)
    part[order[:n_test]] = 2
    part[order[n_test : n_test + n_validation]] = 1
    last = _last_target(dataset, target, history)
    return Roles(
        train=np.repeat(part == 0, dataset.histories.lengths) & (history | target),
        validation=_next_event(dataset, np.where(part == 1, last, -1), history),
        test=_next_event(dataset, np.where(part == 2, last, -1), history),
        leaks_future=True,
    )


_KINDS: dict[str, Callable[[Dataset, SplitSettings], Roles]] = {
    "global_time": _global_time,
    "leave_one_out": _leave_one_out,
    "ratio": _ratio,
    "session": _session,
    "user": _user,
}


def _types(dataset: Dataset, settings: SplitSettings) -> tuple[BoolArray, BoolArray]:
    """Whether each event may be in a history, and whether it may be asked for; bool [events] each."""

    def of(types: tuple[EventType, ...]) -> BoolArray:
        wanted = np.zeros(len(EVENT_TYPES) + 1, dtype=bool)
        wanted[[event_type.code for event_type in types]] = True
        return wanted[dataset.histories.event_type]

    return of(settings.history_types), of(settings.target_types)


def _bounds(dataset: Dataset) -> tuple[Int64Array, Int64Array]:
    offsets = np.asarray(dataset.histories.offsets)
    return offsets[:-1], offsets[1:]


def _last_target(dataset: Dataset, target: BoolArray, history: BoolArray, from_end: int = 1) -> Int64Array:
    """Place of each shopper's last target event (or the one before) that has a history; int64 [users], -1 for none."""
    start, end = _bounds(dataset)
    targets, known = np.flatnonzero(target), np.flatnonzero(history)
    stop = np.searchsorted(targets, end)
    exists = stop - np.searchsorted(targets, start) >= from_end
    at = np.full(dataset.n_users, -1, dtype=np.int64)
    at[exists] = targets[stop[exists] - from_end]
    has_history = np.searchsorted(known, at) > np.searchsorted(known, start)
    return np.where(exists & has_history, at, -1)


def _next_event(dataset: Dataset, at: Int64Array, history: BoolArray) -> Part:
    """The part that asks for the events at these places (int64 [users], -1 for none) and knows what lies before."""
    start, _ = _bounds(dataset)
    target = np.zeros(dataset.n_events, dtype=bool)
    target[at[at >= 0]] = True
    return Part(_spans(start, np.maximum(at, start), dataset.n_events) & history, target)


def _spans(start: Int64Array, stop: Int64Array, n_events: int) -> BoolArray:
    """True from each start up to before its stop; spans lie in ascending order and do not overlap."""
    some = stop > start
    change = np.zeros(n_events + 1, dtype=np.int8)
    change[start[some]] += 1
    change[stop[some]] -= 1
    return np.cumsum(change[:-1], dtype=np.int8).astype(bool)


def _share(n: Int64Array, share: float) -> Int64Array:
    events: Int64Array = np.floor(n * share + 1e-9).astype(np.int64)
    return events


def _first_of_session(session: Int32Array, n_sessions: int) -> BoolArray:
    """Whether an event is the first of its session, bool [events]."""
    first = np.zeros(n_sessions, dtype=np.int64)
    first[session[::-1]] = np.arange(len(session) - 1, -1, -1)
    is_first: BoolArray = first[session] == np.arange(len(session))
    return is_first
