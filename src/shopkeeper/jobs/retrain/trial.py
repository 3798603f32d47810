"""The new bundle, the old one and popularity, asked the same questions of the new log.

Both bundles are also asked with the histories of other shoppers: where what somebody did says nothing of what they do
next, as in a log whose items were mixed up, the answers to a stranger's history are as good as those to one's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Holdout
from shopkeeper.data.split import questions_for, split
from shopkeeper.evaluation.compare import Comparison, compare
from shopkeeper.evaluation.evaluate import Evaluation, evaluate
from shopkeeper.jobs.retrain.checks import Check
from shopkeeper.jobs.retrain.settings import RetrainSettings
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.types import BoolArray, Int64Array

PART: Final = "test"


@dataclass(frozen=True)
class Trial:
    """What the models reached on the test part of the new log.

    Attributes:
        new: The new bundle.
        old: The old bundle, asked the same questions in its own vocabulary.
        popular: The most popular items of the new training part.
        new_swapped: The new bundle, asked with histories of other shoppers.
        old_swapped: The old bundle, asked so.
        fresh: bool [shoppers asked]; who is asked for an event that the old bundle has not seen.
        learns: Whether the new model does more than count items.
    """

    new: Evaluation
    old: Evaluation
    popular: Evaluation
    new_swapped: Evaluation
    old_swapped: Evaluation
    fresh: BoolArray
    learns: bool

    @property
    def evaluations(self) -> Sequence[Evaluation]:
        """All figures."""
        return [self.new, self.old, self.popular, self.new_swapped, self.old_swapped]


def hold_trial(
    new: Pipeline, old: Bundle, dataset: Dataset, settings: ShopSettings, progress: Progress | None = None
) -> Trial:
    """Asks all of them the test questions of the new log.

    The models of the old bundle that are asked were trained on a part of this log. As long as the log has not become
    much shorter, which a check before has seen to, the questions lie behind that part.

    Args:
        new: Fitted on the training part of the dataset.
        old: Made from an earlier one.
        dataset: The new log.
        settings: The split and what is measured.
        progress: Told how far it is.

    Raises:
        DataError: Nobody is asked.
    """
    parts = split(dataset, settings.prepare.split)
    before = old.tried.pipeline
    known = before.train
    places = _sample(len(parts.test), settings)
    for_new = parts.test.take(places)
    for_old = questions_for(dataset, settings.prepare.split, PART, known.users, known.items, known.placements).take(
        places
    )

    def ask(model: Recommender, questions: Holdout, name: str) -> Evaluation:
        return _asked(model, questions, name, settings, progress)

    seen = int(old.card.data["last_event_microseconds"])
    later = for_new.targets.rows[np.asarray(for_new.targets.timestamp) > seen]
    return Trial(
        new=ask(new, for_new, "new"),
        old=ask(before, for_old, "old"),
        popular=ask(MostPopular().fit(parts.train), for_new, "most popular"),
        new_swapped=ask(new, _swapped(for_new), "new for others"),
        old_swapped=ask(before, _swapped(for_old), "old for others"),
        fresh=np.bincount(later, minlength=len(for_new)) > 0,
        learns=new.primary.learns != "counts",
    )


def ask_promoted(
    promoted: Pipeline, dataset: Dataset, settings: ShopSettings, progress: Progress | None = None
) -> Evaluation:
    """Asks what was fitted on the whole log the same questions; it has learned the answers, so this is no forecast."""
    known = promoted.train
    asked = questions_for(dataset, settings.prepare.split, PART, known.users, known.items, known.placements)
    return _asked(promoted, asked.take(_sample(len(asked), settings)), "promoted", settings, progress)


def promoted_checks(promoted: Evaluation, trial: Trial, settings: RetrainSettings) -> list[Check]:
    """Whether what was fitted on the whole log answers what it has learned no worse than before it did.

    A model that only counts items need not: what was popular over all is not what is popular at the end.
    """
    if not trial.learns:
        return []
    beside = _compare(promoted, trial.new)
    lost = beside.difference < -settings.max_loss * trial.new.value(settings.metric, settings.k)
    check = Check(
        "fitted on the whole log", beside.high >= 0 and not lost,
        "no worse than before on what it has learned since", _words(promoted, trial.new),
    )  # fmt: skip
    return [check]


def _asked(
    model: Recommender, questions: Holdout, name: str, settings: ShopSettings, progress: Progress | None
) -> Evaluation:
    wanted = settings.evaluation.replace(
        metrics=(settings.retrain.metric,), ks=(settings.retrain.k,), segments=False, max_users=None
    )
    return evaluate(model, questions, wanted, part=PART, name=name, progress=progress)


def trial_checks(trial: Trial, settings: RetrainSettings) -> list[Check]:
    """Whether the new bundle has learned something, is no worse than the old one, and makes sense of the new events."""
    beside_old = _compare(trial.new, trial.old)
    lost = beside_old.difference < -settings.max_loss * trial.old.value(settings.metric, settings.k)
    checks = [
        Check(
            "no worse than the old bundle", beside_old.high >= 0 and not lost,
            f"not clearly lower, and by at most {settings.max_loss:.0%}", _words(trial.new, trial.old),
        ),
    ]  # fmt: skip
    if trial.learns:
        checks += [
            _clearly_better("better than most popular", [(trial.new, trial.popular)], settings),
            _clearly_better("histories matter", [(trial.new, trial.new_swapped)], settings),
        ]
        if np.count_nonzero(trial.fresh) >= settings.min_fresh_shoppers:
            pairs = [(trial.new, trial.new_swapped), (trial.old, trial.old_swapped)]
            fresh = [(_only(one, trial.fresh), _only(other, trial.fresh)) for one, other in pairs]
            checks.append(_clearly_better("new events can be foreseen", fresh, settings))
    return checks


def _clearly_better(name: str, pairs: Sequence[tuple[Evaluation, Evaluation]], settings: RetrainSettings) -> Check:
    """One of the first must be above the second beside it, beyond chance."""
    rows = [_compare(one, other) for one, other in pairs]
    return Check(
        name, any(row.difference > 0 and row.p_value < settings.chance for row in rows),
        f"clearly higher over {rows[0].n_users:,} shoppers",
        "; ".join(_words(one, other) for one, other in pairs),
    )  # fmt: skip


def _sample(n: int, settings: ShopSettings) -> Int64Array:
    """Places of the shoppers who are asked, ascending."""
    most = settings.retrain.max_shoppers
    if most is None or n <= most:
        return np.arange(n, dtype=np.int64)
    return np.sort(np.random.default_rng(settings.evaluation.seed).choice(n, most, replace=False)).astype(np.int64)


def _swapped(questions: Holdout) -> Holdout:
    """The same targets, each asked of a shopper with the history of the next one."""
    other = np.roll(np.arange(len(questions)), 1)
    return replace(
        questions, user_index=questions.user_index[other], histories=questions.histories.take(other.astype(np.int64))
    )


def _only(evaluation: Evaluation, shoppers: BoolArray) -> Evaluation:
    """The same for some of the shoppers."""
    per_shopper = {key: values[shoppers] for key, values in evaluation.per_shopper.items()}
    return replace(
        evaluation, per_shopper=per_shopper, user_ids=evaluation.user_ids.take(np.flatnonzero(shoppers)), rows=()
    )


def _compare(a: Evaluation, b: Evaluation) -> Comparison:
    """Of the only metric that they were measured in."""
    return compare(a, b)[0]


def _words(a: Evaluation, b: Evaluation) -> str:
    row = _compare(a, b)
    values = [float(np.nanmean(one.per_shopper[row.metric, row.k])) for one in (a, b)]
    return (
        f"{row.metric}@{row.k} {a.model} {values[0]:.4f}, {b.model} {values[1]:.4f}: "
        f"{row.difference:+.4f} [{row.low:+.4f}, {row.high:+.4f}], p = {row.p_value:.2g}"
    )
