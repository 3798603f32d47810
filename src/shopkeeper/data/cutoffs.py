"""The moments that divide a log in time: given in settings, recorded by `prepare`, or chosen by shares of events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.errors import ConfigError
from shopkeeper.types import Int64Array

if TYPE_CHECKING:
    from shopkeeper.data.split_settings import SplitSettings

MICROSECONDS_A_DAY = 86_400 * 1_000_000
CUTOFFS = "cutoffs"
"""The key of `Dataset.facts` under which `prepare` records the moments that it fitted by."""


class Cutoffs(NamedTuple):
    """Moments in Unix microseconds, UTC; each is the first that belongs to what follows."""

    train_until: int
    validation_from: int
    """Later than `train_until` by the gap."""
    validation_until: int

    def to_json(self) -> dict[str, str]:
        """The moments as ISO 8601 text."""
        return {name: moment_text(moment) for name, moment in self._asdict().items()}


def cutoffs_of(dataset: Dataset, settings: SplitSettings) -> Cutoffs:
    """The moments of a global time split.

    Those of the settings count first; then those that `prepare` recorded; what is still missing is chosen so that
    validation and test get their shares of the events.

    Raises:
        ConfigError: The moments are not in order, or the gap leaves nothing to validate on.
    """
    return cutoffs_of_times(np.asarray(dataset.histories.timestamp), settings, dataset.facts.get(CUTOFFS) or {})


def cutoffs_of_times(
    time: Int64Array, settings: SplitSettings, recorded: Mapping[str, Any] = MappingProxyType({})
) -> Cutoffs:
    """The moments of a global time split of events at these times.

    Args:
        time: int64 [events]; Unix microseconds, in any order.
        settings: How to split.
        recorded: Moments that `prepare` recorded, `train_until` and `validation_until` in Unix microseconds.

    Raises:
        ConfigError: The moments are not in order, or the gap leaves nothing to validate on.
    """
    train_until, validation_until = _moment(settings.train_until), _moment(settings.validation_until)
    if train_until is None and validation_until is None and recorded:
        train_until, validation_until = int(recorded["train_until"]), int(recorded["validation_until"])
    gap = round(settings.gap_days * MICROSECONDS_A_DAY)
    held_out = settings.validation_share + settings.test_share
    if train_until is None:
        earlier = time if validation_until is None else time[time < validation_until]
        share = settings.validation_share if validation_until is not None else held_out
        whole = 1 - settings.test_share if validation_until is not None else 1
        train_until = quantile(earlier, 1 - share / whole)
    if validation_until is None:
        later = time[time >= train_until + gap]
        validation_until = quantile(later, settings.validation_share / held_out)
    cutoffs = Cutoffs(train_until, train_until + gap, validation_until)
    if cutoffs.validation_from > cutoffs.validation_until or (gap and cutoffs.validation_from == validation_until):
        raise ConfigError(
            "nothing is left to validate on",
            expected="train_until + gap_days before validation_until",
            got=str(cutoffs.to_json()),
            remedy="give train_until and validation_until, larger shares, or a smaller gap",
        )
    return cutoffs


def quantile(time: Int64Array, share: float) -> int:
    """The moment before which about this share of the events lies; a moment of an event, 0 for no events."""
    if len(time) == 0:
        return 0
    place = min(len(time) - 1, int(len(time) * share + 1e-9))
    return int(np.partition(time, place)[place])


def _moment(value: datetime | None) -> int | None:
    if value is None:
        return None
    moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    seconds = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (seconds.days * 86_400 + seconds.seconds) * 1_000_000 + seconds.microseconds


def moment_text(moment: int) -> str:
    """A moment in Unix microseconds as ISO 8601 text in UTC."""
    seconds, micros = divmod(moment, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=micros).isoformat()
