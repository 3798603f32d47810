"""Proof that training has not seen the future: shuffle the future, split again, and nothing trained may change.

The future is every event that training may not see. Its items are drawn anew from the whole vocabulary, its prices,
quantities and placements too, and where time divides the parts also the shoppers who did it; its moments stay, since
cutoffs may be chosen by shares of events. What new items and shoppers did that a split keeps from training is exchanged
among them. A split, a vocabulary, a scaler, a codebook or a model that changes has
looked ahead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data.cold import Withheld
from shopkeeper.data.dataset import COLUMNS, Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Split
from shopkeeper.data.roles import roles_of
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray

Artifact = Callable[[Split], Mapping[str, NDArray[Any]]]
"""Trains something on a split and gives what was learned, as named arrays."""


@dataclass(frozen=True)
class LeakageCheck:
    """One thing that was made twice: with the true future and with a shuffled one.

    Attributes:
        name: What was made.
        changed: Names of the arrays that differ, empty where nothing leaks.
    """

    name: str
    changed: tuple[str, ...]

    @property
    def leaks(self) -> bool:
        """Whether it depends on the future."""
        return bool(self.changed)


@dataclass(frozen=True)
class LeakageReport:
    """What a leakage check found.

    Attributes:
        checks: One entry for each thing checked, the split itself first.
        shuffled_events: Number of events of the future that were drawn anew.
    """

    checks: tuple[LeakageCheck, ...]
    shuffled_events: int

    @property
    def passed(self) -> bool:
        """Whether nothing depends on the future."""
        return not any(check.leaks for check in self.checks)

    def to_text(self) -> str:
        """One line for each thing checked."""
        lines = [f"the future was shuffled ({self.shuffled_events} events)"]
        lines += [
            f"  {check.name}: " + (f"LEAKS the future in {', '.join(check.changed)}" if check.leaks else "unchanged")
            for check in self.checks
        ]
        return "\n".join(lines)


def check_leakage(
    dataset: Dataset,
    settings: SplitSettings,
    artifacts: Mapping[str, Artifact] | None = None,
    seed: int = 0,
    make_split: Callable[[Dataset, SplitSettings], Split] = split,
) -> LeakageReport:
    """Splits the data, and the data with a shuffled future, and compares what training gets and makes of it.

    Args:
        dataset: The log.
        settings: How it is split.
        artifacts: Further things to make from either split, by name; a model's fit, for example.
        seed: Seed of the shuffle.
        make_split: The split to check.

    Returns:
        What changed, for the training part and for each artifact.

    Raises:
        DataError: There is no future to shuffle.
    """
    roles = roles_of(dataset, settings)
    future = ~roles.train if roles.withheld is None else ~(roles.train | roles.withheld.events)
    if not future.any():
        raise DataError(
            "there is no event after training to shuffle", remedy="give larger shares to the held-out parts"
        )
    makers: dict[str, Artifact] = {"training part": training_arrays, **(artifacts or {})}
    exchanged = dataset if roles.withheld is None else _exchange(dataset, roles.withheld, seed)
    shuffled = shuffle_future(exchanged, future, seed, users_too=settings.kind == "global_time")
    before, after = make_split(dataset, settings), make_split(shuffled, settings)
    checks = tuple(LeakageCheck(name, _changed(make(before), make(after))) for name, make in makers.items())
    return LeakageReport(checks, int(np.count_nonzero(future)))


def training_arrays(parts: Split) -> dict[str, NDArray[Any]]:
    """What training gets: vocabularies and events of the training part."""
    train = parts.train
    arrays = {
        "users": _text(train.users.arrow.to_pylist()),
        "items": _text(train.items.arrow.to_pylist()),
        "offsets": train.histories.offsets,
        "item_index": train.histories.item_index,
        "event_type": train.histories.event_type,
        "timestamp": train.histories.timestamp,
    }
    columns = {name: getattr(train, name) for name in COLUMNS if getattr(train, name) is not None}
    if train.placements is not None and train.histories.placement is not None:
        columns["placement"] = train.histories.placement
        columns["placements"] = _text(train.placements.arrow.to_pylist())
    return arrays | columns


def shuffle_future(dataset: Dataset, future: BoolArray, seed: int = 0, users_too: bool = False) -> Dataset:
    """The same log with other items, prices, quantities and placements in the events of the future.

    Args:
        dataset: The log.
        future: bool [events]; which events are the future.
        seed: Seed of the shuffle.
        users_too: Also draw the shoppers of those events anew; only where time alone tells what the future is.

    Returns:
        A dataset with the same vocabularies and the same moments.
    """
    rng = np.random.default_rng(seed)
    n_future = int(np.count_nonzero(future))
    item_index = np.array(dataset.histories.item_index)
    item_index[future] = rng.integers(1, dataset.n_items + 1, n_future)
    columns: dict[str, Any] = {}
    for name in ("price", "quantity"):
        if (values := getattr(dataset, name)) is not None:
            columns[name] = np.array(values)
            columns[name][future] *= rng.uniform(0.5, 2.0, n_future).astype(np.float32)
    histories = replace(dataset.histories, item_index=item_index)
    if histories.placement is not None and dataset.placements is not None:
        placement = np.array(histories.placement)
        placement[future] = rng.integers(0, len(dataset.placements) + 1, n_future)
        histories = replace(histories, placement=placement)
    changed = replace(dataset, histories=histories, **columns)
    return _with_other_users(changed, future, rng) if users_too else changed


def _exchange(dataset: Dataset, withheld: Withheld, seed: int) -> Dataset:
    """The same log with the items of withheld events exchanged among them: of new items, where those are withheld."""
    item_index = np.array(dataset.histories.item_index)
    among = withheld.events if withheld.items_from is None else withheld.events & withheld.items[item_index]
    item_index[among] = np.random.default_rng(seed).permutation(item_index[among])
    return replace(dataset, histories=replace(dataset.histories, item_index=item_index))


def _with_other_users(dataset: Dataset, future: BoolArray, rng: np.random.Generator) -> Dataset:
    """The events of the future given to random shoppers, all sorted by shopper and time again."""
    rows = dataset.histories.rows
    rows[future] = rng.integers(0, dataset.n_users, int(np.count_nonzero(future)))
    order = np.lexsort((dataset.histories.timestamp, rows))
    lengths = np.bincount(rows, minlength=dataset.n_users)
    placement = dataset.histories.placement
    histories = Histories(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        dataset.histories.item_index[order],
        dataset.histories.event_type[order],
        dataset.histories.timestamp[order],
        None if placement is None else placement[order],
    )
    columns = {name: values[order] for name in COLUMNS if (values := getattr(dataset, name)) is not None}
    return replace(dataset, histories=histories, **columns)


def _changed(before: Mapping[str, NDArray[Any]], after: Mapping[str, NDArray[Any]]) -> tuple[str, ...]:
    names = sorted(before.keys() | after.keys())
    return tuple(name for name in names if _digest(before.get(name)) != _digest(after.get(name)))


def _digest(values: NDArray[Any] | None) -> str:
    """SHA-256 over type, shape and content."""
    if values is None:
        return ""
    array = np.ascontiguousarray(values)
    return hashlib.sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest()


def _text(ids: list[Any]) -> NDArray[Any]:
    return np.frombuffer("\n".join(map(str, ids)).encode(), dtype=np.uint8)
