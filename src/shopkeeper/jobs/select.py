"""Chooses a predictor of behavior for a log: several compete on a time split, each tuned alike, the test asked once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shopkeeper._version import __version__
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.asked import whole_question
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import ResourceError
from shopkeeper.evaluation.behavior.as_asked import AsAsked, ask_whole
from shopkeeper.evaluation.behavior.compare import BehaviorComparison
from shopkeeper.evaluation.behavior.evaluate import BehaviorEvaluation, evaluate_predictor
from shopkeeper.evaluation.behavior.leaderboard import (
    BehaviorEntry,
    BehaviorLeaderboard,
    BehaviorProtocol,
    moments_text,
    sizes_of,
)
from shopkeeper.evaluation.behavior.verdict import Verdict, metrics_of, verdict
from shopkeeper.jobs.select_models import competing, contestants, with_behaviors
from shopkeeper.jobs.select_parts import Parts, make_parts
from shopkeeper.jobs.select_search import Kept, Search
from shopkeeper.jobs.select_settings import BehaviorSettings
from shopkeeper.jobs.tune_clock import TrialProgress
from shopkeeper.jobs.tune_goal import Budget
from shopkeeper.progress import Progress

BOARD: Final = "leaderboard.json"
MOST_FOR_FIGURES: Final = 60.0
"""Seconds kept for figures with their intervals; of short searches a tenth."""


@dataclass(frozen=True)
class Selection:
    """What a selection has found.

    Attributes:
        board: The predictors on the test part.
        verdict: Which one to take, and why.
        comparisons: Each other predictor beside the chosen one on the test part, paired.
        kept: The best fit of each predictor.
        left_out: Predictors without a fit, and why.
        parts: The examples.
        settings: The settings, with all behaviors that got labels.
        why: Why the search ended.
    """

    board: BehaviorLeaderboard
    verdict: Verdict
    comparisons: tuple[BehaviorComparison, ...]
    kept: Mapping[str, Kept]
    left_out: Mapping[str, str]
    parts: Parts
    settings: BehaviorSettings
    why: str


def select(
    dataset: Dataset,
    settings: BehaviorSettings,
    split: SplitSettings,
    folder: Path,
    budget: Budget,
    progress: Progress | None = None,
) -> Selection:
    """Searches until the budget is spent, then measures the best fit of each predictor once on the test part.

    The same call on the same folder goes on; that the test was asked before is then written beside the figures.

    Args:
        dataset: A prepared log.
        settings: What is predicted, and what competes.
        split: The split that the log was prepared for.
        folder: Holds the search.
        budget: Of this call; `trials` are those of each predictor.
        progress: Told how far it is.

    Raises:
        ConfigError: A setting is not valid, or the folder holds another search.
        DataError: The log is too short or has not what is asked for.
        ResourceError: No predictor was finished within the budget.
        ArtifactError: The folder cannot be read or written.
    """
    models = competing(dataset, settings)
    settings = settings.replace(examples=with_behaviors(settings.examples, dataset, models))
    parts = make_parts(dataset, settings, split, progress)
    deadline = budget.begun + 60 * budget.minutes - min(MOST_FOR_FIGURES, 6 * budget.minutes)
    identity = {
        "data": dataset.data_hash, "moments": {name: list(ends) for name, ends in parts.moments.items()},
        "examples": settings.examples.model_dump(mode="json"), "max_examples": settings.max_examples,
        "version": __version__,
    }  # fmt: skip
    clock = TrialProgress(progress, "selecting, seconds", budget.begun, deadline)
    search = Search(
        contestants(models, settings, len(parts.train)),
        parts,
        folder,
        identity,
        settings.seed,
        deadline,
        budget.trials,
        clock,
    )
    why = search.run()
    kept = search.kept()
    left_out = {one.contestant.name: one.ended for one in search.runners if one.contestant.name not in kept}
    if not kept:
        raise _nothing_found(left_out)
    return _measured(dataset, settings, parts, kept, left_out, folder, why, progress)


def _measured(
    dataset: Dataset, settings: BehaviorSettings, parts: Parts, kept: Mapping[str, Kept], left_out: Mapping[str, str],
    folder: Path, why: str, progress: Progress | None,
) -> Selection:  # fmt: skip
    """The figures of both parts, and what follows from them."""
    asked = _as_asked(dataset, settings, parts, kept, progress)
    held_out: list[BehaviorEvaluation] = []
    entries: list[BehaviorEntry] = []
    if progress:
        progress.start("measuring", len(kept))
    for name, one in kept.items():
        quick = settings.evaluation.replace(segments=False)
        held_out.append(evaluate_predictor(one.predictor, parts.validation, quick, "validation", name))
        tested = evaluate_predictor(one.predictor, parts.test, settings.evaluation, "test", name)
        config = one.predictor.config.model_dump(mode="json")
        entries.append(
            BehaviorEntry(tested, one.cost, config, -(one.trial.score or 0.0), one.trials, one.seconds, asked.get(name))
        )
        if progress:
            progress.advance()
    if progress:
        progress.finish()
    board = BehaviorLeaderboard(_protocol(dataset, settings, parts, entries, folder), tuple(entries))
    chosen = verdict(board, held_out, settings.margin)
    metrics = metrics_of(held_out[0])
    compared = tuple(board.comparisons(chosen.chosen, metrics))
    return Selection(board, chosen, compared, kept, left_out, parts, settings, why)


def _as_asked(
    dataset: Dataset, settings: BehaviorSettings, parts: Parts, kept: Mapping[str, Kept], progress: Progress | None
) -> dict[str, AsAsked]:
    """Calibration of each predictor as it is asked on the test part."""
    evaluation, (start, until) = settings.evaluation, parts.moments["test"]
    if not evaluation.asked_pairs:
        return {}
    question = whole_question(
        dataset, settings.examples, start, until, evaluation.asked_pairs, evaluation.asked_moments
    )
    predictors = {name: one.predictor for name, one in kept.items()}
    return ask_whole(predictors, Log(dataset), question, evaluation.n_bootstrap, evaluation.seed, progress)


def _protocol(
    dataset: Dataset, settings: BehaviorSettings, parts: Parts, entries: list[BehaviorEntry], folder: Path
) -> BehaviorProtocol:
    asked = times_asked(folder) + 1
    again = (
        (f"the test part was asked {asked} times by this search: its figures flatter a little",) if asked > 1 else ()
    )
    return BehaviorProtocol(
        examples=settings.examples, part="test", moments=moments_text(parts.moments), sizes=sizes_of(parts.by_name()),
        base_rate=entries[0].evaluation.base_rate, data_hash=dataset.data_hash, seed=settings.evaluation.seed,
        notes=(*parts.notes, *again),
    )  # fmt: skip


def times_asked(folder: Path) -> int:
    """How often the test part was asked by the search of a folder."""
    with suppress(OSError, json.JSONDecodeError, KeyError, TypeError, ValueError):
        return int(json.loads((folder / BOARD).read_text(encoding="utf-8"))["times_test_was_asked"])
    return 0


def _nothing_found(left_out: Mapping[str, str]) -> ResourceError:
    return ResourceError(
        "no predictor was finished",
        got="; ".join(f"{name}: {reason}" for name, reason in left_out.items()),
        remedy="the same command goes on where it stopped; give more --minutes, fewer --models, or fewer examples "
        "with --set behavior.max_examples=50000",
    )
