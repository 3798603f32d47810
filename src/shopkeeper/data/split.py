"""Splits a prepared log into training, validation and test.

What each event is for is decided in `roles`; here the parts are cut out, in the vocabulary that training has seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from shopkeeper.data.cold import COLD
from shopkeeper.data.cutoffs import CUTOFFS
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout, Split
from shopkeeper.data.placements import with_placements
from shopkeeper.data.roles import Part, Roles, roles_of
from shopkeeper.data.schema import EVENT_TYPES
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError, DataError
from shopkeeper.types import BoolArray, Float64Array, Int32Array

MOMENTS = ("validation_share", "test_share", "train_until", "validation_until")
"""Settings that say when training ends."""


def split(dataset: Dataset, settings: SplitSettings | None = None) -> Split:
    """Splits a prepared log.

    The vocabularies of training hold only shoppers and items that training has seen. Histories and targets of the parts
    speak in its indices: a history leaves out items that training has not seen (they are counted), a target of such
    an item stays with index 0, so that it counts as missed. Repeats of one item among the targets of a shopper stay
    (the metrics count an item once), save those of unseen items, which could not be told apart any more.

    Args:
        dataset: The log; its arrays may be memory-mapped.
        settings: How to split; None takes the defaults.

    Returns:
        The parts. A part without questions has length 0; evaluating it is refused there.

    Raises:
        ConfigError: The shares leave nothing to train on, moments are not in order, or they are not those that the log
            was prepared for.
        DataError: The data lack what the kind of split needs, or nothing is left to train on.
    """
    settings = settings if settings is not None else SplitSettings()
    if settings.validation_share + settings.test_share >= 1:
        raise ConfigError(
            "the shares leave nothing to train on", expected="validation_share + test_share below 1",
            got=f"{settings.validation_share} + {settings.test_share}",
        )  # fmt: skip
    _refuse_other_moments(dataset, settings)
    roles = roles_of(dataset, settings)
    train = dataset.select(roles.train).compact()
    if train.n_events == 0:
        raise DataError(
            f"a split by {settings.kind} leaves no event to train on",
            expected="events before the held-out ones",
            got=f"{dataset.n_events} events of {dataset.n_users} shoppers",
            remedy="give more data, smaller shares, or another kind of split",
        )
    known = _Known.of(dataset, roles.train, train.placements)
    return Split(
        train=train,
        validation=_holdout(dataset, roles.validation, known, settings, part=1),
        test=_holdout(dataset, roles.test, known, settings, part=2),
        settings=settings,
        leaks_future=roles.leaks_future or _cleaned_beyond(dataset),
        facts=_facts(roles),
    )


def whole(dataset: Dataset, settings: SplitSettings) -> Dataset:
    """All that a model may learn from once nothing is held out any more: training, validation and test together.

    Args:
        dataset: The log.
        settings: How it is split; events of types that are neither history nor target stay left out.

    Raises:
        DataError: Nothing is left to learn from.
    """
    wanted = np.zeros(len(EVENT_TYPES) + 1, dtype=bool)
    wanted[[event_type.code for event_type in (*settings.history_types, *settings.target_types)]] = True
    train = dataset.select(wanted[dataset.histories.event_type]).compact()
    if train.n_events == 0:
        raise DataError("there is no event to learn from", remedy="look at history_types and target_types of the split")
    return train


def _facts(roles: Roles) -> dict[str, Any]:
    """What the split decided itself."""
    moments = {} if roles.cutoffs is None else {CUTOFFS: roles.cutoffs.to_json()}
    return moments if roles.withheld is None else moments | {COLD: roles.withheld.to_json()}


def questions_for(
    dataset: Dataset,
    settings: SplitSettings,
    part: Literal["validation", "test"],
    users: Vocabulary,
    items: Vocabulary,
    placements: Vocabulary | None = None,
) -> Holdout:
    """The questions that `split` makes of a log, for a model that knows other ids than training has.

    That is a model that was trained on another log, or one that learned of new items since (with an `extended`
    vocabulary targets and histories name them, those too that `cold_items` kept from training).
    Shoppers, targets and their number are those of `split`; only the indices differ. What the model does not know is
    left out of the histories, and stays among the targets with index 0, so that it counts as missed.

    Args:
        dataset: The log.
        settings: How `split` splits it.
        part: Which part asks.
        users: Shoppers that the model knows.
        items: Items that it knows.
        placements: Placements that it knows.

    Raises:
        ConfigError: The moments are not those that the log was prepared for.
        DataError: The data lack what the kind of split needs.
    """
    _refuse_other_moments(dataset, settings)
    roles = roles_of(dataset, settings)
    of_users, of_items = (
        np.append(np.int32(0), theirs.indices(ours.arrow)).astype(np.int32)
        for theirs, ours in ((users, dataset.users), (items, dataset.items))
    )
    known = _Known(of_users, of_items, placements)
    asked = roles.validation if part == "validation" else roles.test
    return _holdout(dataset, asked, known, settings, part=1 if part == "validation" else 2)


def _cleaned_beyond(dataset: Dataset) -> bool:
    """Whether `prepare` fitted its steps on the whole log, having no moment at which training ends."""
    return "settings" in dataset.facts and CUTOFFS not in dataset.facts


def _refuse_other_moments(dataset: Dataset, settings: SplitSettings) -> None:
    """Cleaning was fitted up to the end of training of one split by time: another one needs another preparation."""
    recorded = dataset.facts.get("settings", {}).get("split")
    if settings.kind != "global_time" or recorded is None or not dataset.facts.get(CUTOFFS):
        return
    asked = settings.model_dump(mode="json")
    for name in MOMENTS:
        if asked[name] != recorded[name]:
            raise ConfigError(
                f"the log was prepared for another split: {name} differs", expected=str(recorded[name]),
                got=str(asked[name]), remedy=f"prepare it again with prepare.split.{name}, or leave it as recorded",
            )  # fmt: skip


@dataclass(frozen=True)
class _Known:
    """From indices of the whole log to those of training, 0 for what training has not seen, and its placements."""

    users: Int32Array
    items: Int32Array
    placements: Vocabulary | None

    @staticmethod
    def of(dataset: Dataset, train: BoolArray, placements: Vocabulary | None) -> _Known:
        seen_users = np.concatenate([[False], dataset.histories.where(train).lengths > 0])
        seen_items = np.zeros(dataset.n_items + 1, dtype=bool)
        seen_items[dataset.histories.item_index[train]] = True
        users, items = (np.where(seen, np.cumsum(seen), 0).astype(np.int32) for seen in (seen_users, seen_items))
        return _Known(users, items, placements)


def _holdout(dataset: Dataset, part_roles: Part, known: _Known, settings: SplitSettings, part: int) -> Holdout:
    """Cuts the questions of one part out of the log."""
    asked = _asked(dataset, part_roles.target, settings, part)
    of_asked = np.repeat(asked, dataset.histories.lengths)
    item_index = known.items[dataset.histories.item_index]
    history = part_roles.history & of_asked
    n_known_when_asked = int(np.count_nonzero(history))
    history &= item_index > 0
    target = part_roles.target & of_asked
    target &= ~_repeated_unseen(dataset, target & (item_index == 0))
    events = with_placements(dataset.histories, dataset.placements, known.placements)
    return Holdout(
        user_ids=dataset.users.arrow.take(np.flatnonzero(asked)),
        user_index=known.users[1:][asked],
        histories=_cut(events, history, asked, item_index),
        targets=_cut(events, target, asked, item_index),
        target_value=_value(dataset, target),
        ignored_history_events=n_known_when_asked - int(np.count_nonzero(history)),
    )


def _asked(dataset: Dataset, target: BoolArray, settings: SplitSettings, part: int) -> BoolArray:
    """Whether each shopper is asked, bool [users]: who has a target, or a fixed sample of them."""
    asked: BoolArray = dataset.histories.where(target).lengths > 0
    who = np.flatnonzero(asked)
    if settings.max_users is None or len(who) <= settings.max_users:
        return asked
    chosen = np.random.default_rng([settings.seed, part]).choice(who, settings.max_users, replace=False)
    asked[:] = False
    asked[chosen] = True
    return asked


def _cut(histories: Histories, keep: BoolArray, asked: BoolArray, item_index: Int32Array) -> Histories:
    """The kept events of the asked shoppers, in training indices."""
    kept = histories.where(keep)
    offsets = np.concatenate([[0], np.cumsum(kept.lengths[asked])]).astype(np.int64)
    return replace(kept, offsets=offsets, item_index=item_index[keep])


def _repeated_unseen(dataset: Dataset, unseen: BoolArray) -> BoolArray:
    """Target events of unseen items that are not the first of that item for the shopper, bool [events]."""
    events = np.flatnonzero(unseen)
    shopper = np.searchsorted(np.asarray(dataset.histories.offsets), events, side="right")
    keys = shopper * (dataset.n_items + 1) + np.asarray(dataset.histories.item_index[events], dtype=np.int64)
    repeated = np.ones(len(events), dtype=bool)
    repeated[np.unique(keys, return_index=True)[1]] = False
    result = np.zeros(dataset.n_events, dtype=bool)
    result[events[repeated]] = True
    return result


def _value(dataset: Dataset, target: BoolArray) -> Float64Array | None:
    """Price times quantity of the targets, float64 [targets], NaN where unknown; None where no prices are known."""
    if dataset.price is None:
        return None
    price = np.asarray(dataset.price[target], dtype=np.float64)
    return price if dataset.quantity is None else price * np.asarray(dataset.quantity[target], dtype=np.float64)
