"""The search of several predictors at once: each gets the same time, or the same number of trials.

The first trial of each has its defaults. The next turn is always that of the predictor that had the least time so far.
Where no number of trials is given, none may take more than is left of the share of its predictor. The best fit of each
is kept in a folder, so that nothing is fitted again, and the same call goes on where it stopped.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from shopkeeper.artifacts import write_text_atomic
from shopkeeper.errors import ArtifactError, DataError, MissingDependencyError, ShopkeeperError
from shopkeeper.evaluation.behavior.figures import figures_of
from shopkeeper.evaluation.behavior.scored import Scored
from shopkeeper.evaluation.cost import Cost, measured
from shopkeeper.jobs.select_models import Contestant
from shopkeeper.jobs.select_parts import Parts
from shopkeeper.jobs.tune_clock import OutOfTimeError, TrialProgress
from shopkeeper.predictors.base import Predictor
from shopkeeper.predictors.network import NetworkPredictor
from shopkeeper.training.run_state import EpochRecord
from shopkeeper.training.study import OpenTrial, Study
from shopkeeper.training.trials import Trial, best_of, same_as

STUDIES: Final = "studies"
PREDICTORS: Final = "predictors"
FACTS: Final = "fits.json"
REPETITIONS: Final = 10
"""After so many proposals in a row that were tried before, the space of a predictor counts as searched."""
FAILURES: Final = 3
"""After so many trials without a complete one a predictor is left out."""


@dataclass
class Runner:
    """One predictor in the search.

    Attributes:
        contestant: The predictor.
        study: Its trials.
        new: Trials of this call.
        repeated: Proposals in a row that had been tried before.
        ended: Why it is not searched any more; empty while it is.
    """

    contestant: Contestant
    study: Study
    new: int = 0
    repeated: int = 0
    ended: str = ""

    @property
    def spent(self) -> float:
        """Seconds of all its trials."""
        return float(np.nansum([trial.seconds for trial in self.study.trials]))

    @property
    def needed(self) -> float:
        """Seconds that a trial takes at least: the fastest complete one, or more than all that were cut; else 0."""
        trials = self.study.trials
        done = [trial.seconds for trial in trials if trial.state == "complete" and not trial.reason]
        return min(done) if done else max((trial.seconds for trial in trials if trial.state == "cut"), default=0.0)


@dataclass(frozen=True)
class Kept:
    """The best fit of a predictor.

    Attributes:
        predictor: Fitted with the best settings.
        trial: The trial that it comes from.
        cost: Of its fitting.
        trials: Number of all its trials.
        seconds: Of all its trials.
    """

    predictor: Predictor
    trial: Trial
    cost: Cost
    trials: int
    seconds: float


@dataclass
class Search:
    """A search on one folder.

    Attributes:
        contestants: The predictors.
        parts: The examples.
        folder: Holds studies and the best fits.
        identity: What makes this search this one, as plain JSON values.
        seed: Of the proposals.
        deadline: When it ends, by `time.monotonic()`.
        trials: At most so many trials of each predictor in this call; None for any number.
        clock: Told how far it is.
    """

    contestants: list[Contestant]
    parts: Parts
    folder: Path
    identity: Mapping[str, Any]
    seed: int
    deadline: float
    trials: int | None
    clock: TrialProgress
    runners: list[Runner] = field(default_factory=list)

    def run(self) -> str:
        """Trials until an end; returns why it ended.

        Raises:
            ConfigError: The folder holds another search.
            ArtifactError: A study cannot be read or written.
        """
        self.runners = [Runner(one, self._study(one)) for one in self.contestants]
        try:
            while (runner := self._next()) is not None:
                self._trial(runner)
        finally:
            self.clock.close()
        return (
            "the minutes are over" if time.monotonic() >= self.deadline or self._waiting() else "nothing is left to try"
        )

    def kept(self) -> dict[str, Kept]:
        """The best fit of each predictor that has one; one that was lost is fitted again.

        Raises:
            ArtifactError: A fit cannot be read.
        """
        found = {}
        for runner in self.runners:
            trials = runner.study.trials
            best = best_of(trials)
            if best is None:
                runner.ended = trials[-1].reason if trials else "no time was left for it"
                continue
            facts = self._facts().get(runner.contestant.name)
            if facts is None or facts["trial"] != best.number:
                self._keep(*self._fitted(runner.contestant, best.values, None), best.number)
                facts = self._facts()[runner.contestant.name]
            predictor = Predictor.load(self.folder / PREDICTORS / runner.contestant.name)
            n_trials = sum(trial.state == "complete" for trial in trials)
            found[runner.contestant.name] = Kept(predictor, best, Cost(**facts["cost"]), n_trials, runner.spent)
        return found

    def _study(self, one: Contestant) -> Study:
        identity = {
            **self.identity, "model": one.name, "config": one.config.model_dump(mode="json"),
            "training": None if one.training is None else one.training.model_dump(mode="json"),
            "space": {path: str(domain) for path, domain in one.space.items()},
        }  # fmt: skip
        warmup = 0 if one.training is None else -(-one.training.epochs // 3)
        return Study(self.folder / STUDIES / f"{one.name}.db", one.space, one.start, identity, self.seed, warmup)

    def _next(self) -> Runner | None:
        """The predictor whose turn it is, of those that time is left for."""
        for runner in self.runners:
            runner.ended = runner.ended or self._why_to_end(runner)
        waiting = self._waiting()
        if not waiting:
            return None
        left = self.deadline - time.monotonic()
        share = (sum(one.spent for one in waiting) + left) / len(waiting) if self.trials is None else math.inf
        able = [one for one in waiting if one.needed < left and one.spent + one.needed < share]
        if not able:
            return None
        runner = min(able, key=lambda one: one.spent)
        self.clock.turn_until(time.monotonic() + share - runner.spent)
        return runner

    def _waiting(self) -> list[Runner]:
        return [runner for runner in self.runners if not runner.ended]

    def _why_to_end(self, runner: Runner) -> str:
        trials = runner.study.trials
        if self.trials is not None and runner.new >= self.trials:
            return "the trials asked for are done"
        if runner.repeated >= REPETITIONS:
            return "nothing new is left to try"
        failed = [trial.reason for trial in trials if trial.state == "failed"]
        if len(failed) >= FAILURES and best_of(trials) is None:
            return failed[-1]
        return ""

    def _trial(self, runner: Runner) -> None:
        """One trial of a predictor."""
        before = runner.study.trials
        self.clock.show({"trial": sum(len(one.study.trials) for one in self.runners)})
        trial, begun = runner.study.ask(), time.monotonic()
        if (earlier := same_as(before, trial.values)) is not None:
            trial.complete(earlier.score or 0.0, 0.0, f"as trial {earlier.number}")
            runner.repeated += 1
            return
        runner.repeated, runner.new = 0, runner.new + 1
        try:
            self._attempt(runner, trial, before, begun)
        except OutOfTimeError:
            trial.end("cut", f"{time.monotonic() - begun:,.0f} seconds did not suffice", time.monotonic() - begun)
            runner.new -= 1
            runner.study = self._study(runner.contestant)  # takes it up again
        except KeyboardInterrupt:
            trial.end("cut", "stopped", time.monotonic() - begun)
            raise
        except (ShopkeeperError, MemoryError, ArithmeticError, RuntimeError, ValueError) as error:
            trial.end("failed", _reason(error), time.monotonic() - begun)
            if isinstance(error, MissingDependencyError | DataError) and best_of(before) is None:
                runner.ended = _reason(error)

    def _attempt(self, runner: Runner, trial: OpenTrial, before: list[Trial], begun: float) -> None:
        """Fits one setting, and keeps the fit where it is the best one."""
        best = best_of(before)
        given_up: list[int] = []

        def watch(record: EpochRecord) -> bool:
            self.clock.check()
            if record.validation is not None and not trial.promising(record.epoch, record.validation):
                given_up.append(record.epoch)
            return not given_up

        predictor, cost = self._fitted(runner.contestant, trial.values, self.clock, watch)
        if given_up:
            trial.end("pruned", f"below the median after epoch {given_up[0]}", time.monotonic() - begun)
            return
        score = -loss(predictor, self.parts)
        if best is None or best.score is None or score > best.score:
            self._keep(predictor, cost, trial.number)
        trial.complete(score, time.monotonic() - begun)

    def _fitted(
        self,
        one: Contestant,
        values: Mapping[str, Any],
        clock: TrialProgress | None,
        watch: Callable[[EpochRecord], bool] | None = None,
    ) -> tuple[Predictor, Cost]:
        """A fit with these values, and what it cost."""
        predictor, training = one.made(values)
        if isinstance(predictor, NetworkPredictor):
            predictor.watch = watch
        with measured() as cost:
            predictor.fit(self.parts.train, self.parts.validation, training, clock)
            if self.parts.latest is not None:
                self.parts.latest.calibrate(predictor)
        return predictor, cost

    def _keep(self, predictor: Predictor, cost: Cost, number: int) -> None:
        predictor.save(self.folder / PREDICTORS / predictor.name)
        facts = self._facts() | {predictor.name: {"trial": number, "cost": asdict(cost)}}
        write_text_atomic(self.folder / PREDICTORS / FACTS, json.dumps(facts, indent=1) + "\n")

    def _facts(self) -> dict[str, Any]:
        file = self.folder / PREDICTORS / FACTS
        if not file.exists():
            return {}
        with suppress(json.JSONDecodeError, UnicodeDecodeError):
            facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return facts
        raise ArtifactError(f"{file} is damaged", remedy="take another folder with --out")


def loss(predictor: Predictor, parts: Parts) -> float:
    """What is as small as possible on validation: log loss of the examples as they were drawn, or RMSE of amounts."""
    figures = figures_of(Scored.of(parts.validation, predictor.predict(parts.validation)), 0, 0, predictor.of_amounts)
    return float(figures.values[figures.names.index("rmse" if predictor.of_amounts else "sampled_log_loss")])


def _reason(error: Exception) -> str:
    if isinstance(error, ShopkeeperError):
        return f"{error.problem} ({error.remedy})" if error.remedy else error.problem
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
