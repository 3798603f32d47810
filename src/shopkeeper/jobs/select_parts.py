"""Examples of a time split: training, validation and test, each with its horizon inside its own part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from shopkeeper.data.cutoffs import CUTOFFS, MICROSECONDS_A_DAY, Cutoffs, cutoffs_of, moment_text
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.asked import whole_question
from shopkeeper.data.examples.enough import counted_in, needed_time, parts_between, too_few, too_short
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.schema import EventType
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import DataError
from shopkeeper.jobs.select_settings import BehaviorSettings
from shopkeeper.predictors.base import Predictor
from shopkeeper.progress import Progress
from shopkeeper.types import Float64Array

PARTS = ("train", "validation", "test")
MOMENTS = 4
"""Moments of the validation part that are calibrated on."""
ABOUT = 1.1
"""What is drawn by chance may be so many times as much as was asked for."""


class Latest(NamedTuple):
    """Pairs as they are asked about, of a time behind training.

    Attributes:
        examples: With features.
        weight: float64 [n]; how many pairs each stands for.
    """

    examples: Examples
    weight: Float64Array

    def calibrate(self, predictor: Predictor) -> None:
        """Fits the calibration of a fitted predictor on them."""
        predictor.calibrate(self.examples, self.weight)


@dataclass(frozen=True)
class Parts:
    """Examples with features.

    Attributes:
        train: Their horizons end before validation begins.
        validation: Moments after that; their horizons end before the test begins.
        test: Moments after that.
        moments: Begin and end of each part, Unix microseconds.
        notes: What a reader of figures must know, a sentence each.
        latest: The whole question of the validation part, which is calibrated on; None where nothing is.
    """

    train: Examples
    validation: Examples
    test: Examples
    moments: dict[str, tuple[int, int]]
    notes: tuple[str, ...]
    latest: Latest | None = None

    def by_name(self) -> dict[str, Examples]:
        """The examples by the name of their part."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def make_parts(
    dataset: Dataset, settings: BehaviorSettings, split: SplitSettings, progress: Progress | None = None
) -> Parts:
    """Makes the examples of all parts.

    Args:
        dataset: A prepared log.
        settings: What is predicted.
        split: The split that the log was prepared for.
        progress: Told after each part.

    Raises:
        DataError: The log is too short, has not what is asked for, or a part has only one label.
    """
    moments, notes = part_moments(dataset, settings, split)
    _refuse_too_few(dataset, settings.examples, moments)
    log = Log(dataset)
    made = {}
    if progress:
        progress.start("making examples", len(PARTS))
    for name in PARTS:
        start, until = moments[name]
        examples = make_examples(dataset, settings.examples, start, until)
        _refuse_one_label(examples, name, settings.examples)
        made[name] = with_features(log, thinned(examples, settings.max_examples, settings.seed))
        if progress:
            progress.advance()
    if progress:
        progress.finish()
    latest = latest_question(dataset, settings, moments["validation"])
    return Parts(made["train"], made["validation"], made["test"], moments, notes, latest)


def latest_question(dataset: Dataset, settings: BehaviorSettings, moments: tuple[int, int]) -> Latest | None:
    """The whole question of a part, to calibrate on; None where nothing is calibrated.

    Args:
        dataset: A prepared log.
        settings: What is predicted.
        moments: Begin and end of the part, Unix microseconds.
    """
    if settings.examples.about_shoppers or settings.calibration == "none":
        return None
    question = whole_question(dataset, settings.examples, *moments, settings.calibration_pairs, MOMENTS)
    return Latest(with_features(dataset, question.examples), question.weight.astype(np.float64))


def part_moments(
    dataset: Dataset, settings: BehaviorSettings, split: SplitSettings
) -> tuple[dict[str, tuple[int, int]], tuple[str, ...]]:
    """Begin and end of each part in Unix microseconds, and what must be said of them.

    Raises:
        DataError: The log is too short.
    """
    time = np.asarray(dataset.histories.timestamp)
    if len(time) == 0:
        raise DataError("there is no event to make examples of")
    first, end = int(time.min()), int(time.max()) + 1
    cutoffs = cutoffs_of(dataset, split)
    if settings.part_days is not None:
        length = max(round(settings.part_days * MICROSECONDS_A_DAY), needed_time(settings.examples))
        cutoffs = Cutoffs(end - 2 * length, end - 2 * length, end - length)
    moments = parts_between(first, end, cutoffs, settings.examples)
    if (short := too_short(moments, settings.examples)) is not None:
        raise DataError(
            f"the log is too short for three parts with horizons of {settings.examples.days:g} days",
            expected=f"at least {short.needed:.3g} {short.what}",
            got=f"{short.there:.3g} {short.what}",
            remedy="give a shorter horizon with --days, or a longer log",
        )
    train_until, test_from = moments["validation"]
    return moments, _notes(dataset, train_until, test_from)


def thinned(examples: Examples, most: int, seed: int) -> Examples:
    """About so many of them at most: a random share of those without the target, then a random share of the shoppers.

    Args:
        examples: Without features.
        most: Number of examples to keep.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    amounts = examples.settings is not None and examples.settings.target == "amount"
    kept = examples.kept
    n_kept, n_others = int(kept.sum()), int((~kept).sum())
    if len(examples) > most and n_others and not amounts:
        share = min(1.0, max(most - n_kept, min(n_kept, n_others)) / n_others)
        drawn = kept | (rng.random(len(examples)) < share)
        rate = examples.negative_rate * share
        examples = replace(examples.take(np.flatnonzero(drawn)), negative_rate=rate)
    if len(examples) > ABOUT * most:
        examples = examples.of_some_shoppers(most, rng)
    return examples


def _notes(dataset: Dataset, train_until: int, test_from: int) -> tuple[str, ...]:
    recorded = dataset.facts.get(CUTOFFS)
    if not recorded or int(recorded["train_until"]) <= train_until:
        return ()
    fitted, ends, begins = (moment_text(one)[:19] for one in (int(recorded["train_until"]), train_until, test_from))
    return (
        f"cleaning of the log was fitted on events until {fitted}, training ends before; prepare it with --set "
        f"prepare.split.train_until={ends} --set prepare.split.validation_until={begins} to have it look no further",
    )


def _refuse_too_few(dataset: Dataset, examples: ExampleSettings, moments: dict[str, tuple[int, int]]) -> None:
    """What `validate` says is not enough is refused here, by the same rule."""
    if examples.about_shoppers:
        return
    target = EventType(examples.target)
    if not (np.asarray(dataset.histories.event_type) == target.code).any():
        return  # which has words of its own
    if (short := too_few(counted_in(dataset, target), moments, examples)) is not None:
        raise DataError(
            f"there is too little to learn {examples.target} from",
            expected=f"at least {short.needed:g} {short.what}",
            got=f"{short.there:g}",
            remedy="choose another target or horizon, a longer log, or longer parts with --set behavior.part_days=30",
        )


def _refuse_one_label(examples: Examples, part: str, settings: ExampleSettings) -> None:
    labels = np.unique(examples.label)
    if len(labels) < 2:
        raise DataError(
            f"all examples of the {part} part have the same label, so there is nothing to tell apart",
            expected=f"examples with and without {settings.target}",
            got=f"{len(examples)} times {labels[0]:g}" if len(labels) else "none",
            remedy="choose another target or horizon, a longer log, or longer parts with --set behavior.part_days=30",
        )
