"""Looks for good settings of one recommender on the validation part of a log, within a budget of time.

Trial 0 has the settings as given. A trial that fails is counted; one of a network is given up where its learning curve
lies below the median of the others. The test part is never asked.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Holdout, Split
from shopkeeper.data.split import split
from shopkeeper.errors import DataError, MissingDependencyError, ResourceError, ShopkeeperError
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.tune_clock import OutOfTimeError, TrialProgress
from shopkeeper.jobs.tune_goal import Budget, Metric
from shopkeeper.jobs.tune_space import MACHINE, tuning_space, with_values
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.neural import NeuralRecommender
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.recommenders.validation import sample_holdout, validation_ndcg
from shopkeeper.search_space import Domain
from shopkeeper.training.run_state import EpochRecord
from shopkeeper.training.study import OpenTrial, Study
from shopkeeper.training.trials import Trial, best_of, same_as

STUDY: Final = "study.db"
UNFINISHED: Final = "unfinished"
"""Folder of the checkpoint of a trial that was cut."""
REPETITIONS: Final = 20
"""After so many proposals in a row that were tried before, the space counts as searched."""
FAILURES: Final = 10
"""After so many trials without a single complete one the search gives up."""


@dataclass(frozen=True)
class Tuned:
    """What a search has found so far.

    Attributes:
        model: The recommender.
        settings: The shop's settings that the search began with.
        metric: What was as large as possible.
        space: What was searched.
        trials: All trials of the folder, in their order.
        best: The best one.
        importances: Share of the variance of the score that each setting explains; empty where unknown.
        n_users: Shoppers asked.
        why: Why the search ended.
    """

    model: type[Recommender]
    settings: ShopSettings
    metric: Metric
    space: Mapping[str, Domain]
    trials: Sequence[Trial]
    best: Trial
    importances: Mapping[str, float]
    n_users: int
    why: str


def tune(
    dataset: Dataset,
    model: str,
    settings: ShopSettings,
    folder: Path,
    budget: Budget,
    fixed: Sequence[str] = (),
    metric: Metric | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Searches until the budget is spent; the same call on the same folder goes on.

    Args:
        dataset: A prepared log.
        model: Name of the recommender.
        settings: Where the search starts; `training.seed` seeds the search too.
        folder: Holds the study.
        budget: Of this call.
        fixed: Paths of settings that stay as they are.
        metric: None takes NDCG@10.
        progress: Told how far it is.

    Raises:
        ConfigError: There is no such model, nothing to tune, or the folder holds another search.
        DataError: The validation part asks nobody, or there is nothing to learn from.
        ResourceError: No trial was finished within the budget.
        ArtifactError: The study cannot be read or written.
    """
    found = recommender_class(model)
    parts = split(dataset, settings.prepare.split)
    if len(parts.validation) == 0:
        raise DataError(
            "the validation part asks nobody", remedy="prepare with a larger prepare.split.validation_share"
        )
    search = _Search(found, settings, parts, folder, budget, fixed, metric or Metric(), progress)
    why = search.run()
    trials = search.study.trials
    best = best_of(trials)
    if best is None:
        raise _nothing_found(trials, why)
    importances = search.study.importances()
    return Tuned(found, settings, search.metric, search.space, trials, best, importances, len(search.asked), why)


class _Search:
    """One search on one folder."""

    def __init__(
        self, model: type[Recommender], settings: ShopSettings, parts: Split, folder: Path, budget: Budget,
        fixed: Sequence[str], metric: Metric, progress: Progress | None,
    ) -> None:  # fmt: skip
        self.model, self.settings, self.parts, self.metric = model, settings, parts, metric
        self.folder, self.budget = folder, budget
        self.space, start = tuning_space(settings, model, parts.train, fixed)
        training = settings.training
        self.asked = sample_holdout(parts.validation, training.validation_users, training.seed)
        identity = {
            "model": model.__name__, "metric": str(metric), "data": parts.train.data_hash,
            "space": {path: str(domain) for path, domain in self.space.items()},
            "settings": _identity(settings, model),
        }  # fmt: skip
        warmup = -(-training.epochs // 3)
        self.study = Study(folder / STUDY, self.space, start, identity, training.seed, warmup)
        self.progress = TrialProgress(progress, f"tuning {model.__name__}, seconds", budget.begun, budget.deadline)

    def run(self) -> str:
        """Trials until an end; returns why it ended."""
        new = repeated = 0
        try:
            while not (why := self._why_to_end(new, repeated)):
                repeated = repeated + 1 if self._trial() else 0
                new += 1
        finally:
            self.progress.close()
            with suppress(OSError):  # it is kept where a trial was cut
                (self.folder / UNFINISHED).rmdir()
        return why

    def _why_to_end(self, new: int, repeated: int) -> str:
        trials = self.study.trials
        done = [trial.seconds for trial in trials if trial.state == "complete" and not trial.reason]
        if self.budget.trials is not None and new >= self.budget.trials:
            return "the trials asked for are done"
        if repeated >= REPETITIONS:
            return "nothing new is left to try"
        if not done and sum(trial.state == "failed" for trial in trials) >= FAILURES:
            return "every trial failed"
        left = self.budget.deadline - time.monotonic()
        if left <= 0:
            return "the minutes are over"
        return "the time left is too short for another trial" if done and left < min(done) else ""

    def _trial(self) -> bool:
        """One trial; returns whether it had been tried before."""
        before = self.study.trials
        self.progress.tell(before)
        trial, begun = self.study.ask(), time.monotonic()
        if (earlier := same_as(before, trial.values)) is not None:
            trial.complete(earlier.score or 0.0, 0.0, f"as trial {earlier.number}")
            return True
        try:
            score, given_up = self._fit(trial)
            if given_up:
                trial.end("pruned", f"below the median after epoch {given_up}", time.monotonic() - begun)
            else:
                trial.complete(score, time.monotonic() - begun)
            shutil.rmtree(self._checkpoints(trial), ignore_errors=True)
        except OutOfTimeError:
            trial.end("cut", "the minutes were over", time.monotonic() - begun)
        except KeyboardInterrupt:
            trial.end("cut", "stopped", time.monotonic() - begun)
            raise
        except (ShopkeeperError, MemoryError, ArithmeticError, RuntimeError, ValueError) as error:
            trial.end("failed", _reason(error), time.monotonic() - begun)
            if isinstance(error, MissingDependencyError) or (isinstance(error, DataError) and not before):
                raise
        return False

    def _fit(self, trial: OpenTrial) -> tuple[float, int]:
        """The score of one setting, and the epoch after which it was given up, or 0."""
        settings = with_values(self.settings, trial.values)
        training, recommender = settings.training, settings.recommender(self.model.__name__)
        given_up: list[int] = []
        if isinstance(recommender, NeuralRecommender):
            if training.checkpoint_folder is None:
                training = training.replace(checkpoint_folder=self._checkpoints(trial))

            def watch(record: EpochRecord) -> bool:
                self.progress.check()
                if record.validation is not None and not trial.promising(record.epoch, record.validation):
                    given_up.append(record.epoch)
                return not given_up

            recommender.watch = watch
        recommender.fit(self.parts.train, self.parts.validation, training, self.progress)
        self.progress.check()
        return (0.0, given_up[0]) if given_up else (_score(recommender, self.asked, self.metric, settings), 0)

    def _checkpoints(self, trial: OpenTrial) -> Path:
        name = hashlib.sha256(json.dumps(trial.values, sort_keys=True).encode()).hexdigest()[:12]
        return self.folder / UNFINISHED / name


def _score(model: Recommender, asked: Holdout, metric: Metric, settings: ShopSettings) -> float:
    """The metric on the validation part; a network has measured NDCG@10 itself."""
    hide, hide_after = settings.evaluation.asked_hide, settings.evaluation.hide_after
    if metric == Metric() and hide is None and hide_after is None:
        result = model.training_result if isinstance(model, NeuralRecommender) else None
        if result is not None and result.best_validation is not None:
            return result.best_validation
        return validation_ndcg(model, asked)
    wanted = EvaluationSettings(
        ks=(metric.k,),
        metrics=(metric.name,),
        n_bootstrap=0,
        segments=False,
        hide=hide,
        hide_after=hide_after,
    )
    return evaluate(model, asked, wanted, part="validation").value(metric.name, metric.k)


def _identity(settings: ShopSettings, model: type[Recommender]) -> dict[str, Any]:
    """What else the scores depend on, as plain JSON values."""
    config = settings.recommender(model.__name__).config.model_dump(mode="json")
    training = settings.training.model_dump(mode="json", exclude=MACHINE)
    evaluation = settings.evaluation
    hiding = {"hide": evaluation.asked_hide, "hide_after": evaluation.hide_after}
    return {"model": config, "training": training, **hiding}


def _reason(error: Exception) -> str:
    if isinstance(error, ShopkeeperError):
        return error.problem
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _nothing_found(trials: Sequence[Trial], why: str) -> ResourceError:
    reasons = list(dict.fromkeys(trial.reason for trial in trials if trial.reason))
    return ResourceError(
        f"no trial was finished: {why}",
        got="; ".join(reasons) or "no trial at all",
        remedy="the same command goes on where it stopped; give more --minutes, or fewer epochs with "
        "--set training.epochs=4",
    )
