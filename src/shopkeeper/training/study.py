"""A search for good settings, kept in a file: which values to try next, and which trials to give up early.

Optuna proposes (tree-structured Parzen estimator; Bergstra et al. 2011) and stores in SQLite; this is the one place
that knows it. The proposals of a trial derive from the seed, its number and the trials before it: a search that was
stopped goes on as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from shopkeeper.errors import ArtifactError, ConfigError, missing_dependency
from shopkeeper.search_space import Choice, Domain, Floats, SearchSpace, Value
from shopkeeper.training.trials import Trial, TrialState

if TYPE_CHECKING:
    import optuna

NAME = "tuning"
IDENTITY, SECONDS, REASON, STATE, AGAIN = "identity", "seconds", "reason", "state", "again"
RANDOM_TRIALS = 6
"""So many trials are drawn at random before the estimator proposes."""
TRIALS_BEFORE_PRUNING = 3
INTERRUPTED = "the process ended"


class Study:
    """The trials so far and the next one.

    Args:
        file: SQLite file; an earlier search there goes on.
        space: What is searched.
        start: The values of trial 0; within the space.
        identity: What makes this search this one, as plain JSON values; a file of another one is refused.
        seed: Of the proposals.
        warmup: Epochs before a trial may be given up.

    Raises:
        MissingDependencyError: Optuna is not installed.
        ConfigError: The file holds another search.
        ArtifactError: The file cannot be read or written.
    """

    def __init__(
        self, file: Path, space: SearchSpace, start: Mapping[str, Value], identity: Mapping[str, Any], seed: int,
        warmup: int = 0,
    ) -> None:  # fmt: skip
        self._space = space
        self._seed = seed
        self._study = _opened(file, warmup)
        self._distributions = {path: _distribution(domain) for path, domain in space.items()}
        known = self._study.user_attrs.get(IDENTITY)
        if known is None:
            self._study.set_user_attr(IDENTITY, dict(identity))
        elif known != identity:
            raise ConfigError(
                f"{file} holds the search of other settings, data or version",
                got=", ".join(sorted(name for name in {*known, *identity} if known.get(name) != identity.get(name))),
                remedy="give the same command to go on, or another folder with --out",
            )
        self._take_up(start)

    def _take_up(self, start: Mapping[str, Value]) -> None:
        """Begins with the start; trials that were cut are tried again, those whose process was killed once."""
        from optuna.trial import TrialState as States

        found = self._study.get_trials(deepcopy=False)
        for trial in found:
            if trial.state == States.RUNNING:
                self._study.tell(trial.number, state=States.FAIL)
        if not found:
            self._study.enqueue_trial(dict(start))
        again = {trial.user_attrs.get(AGAIN) for trial in found}
        for trial in self._study.get_trials(deepcopy=False):
            killed_again = STATE not in trial.user_attrs and AGAIN in trial.user_attrs  # for want of memory, say
            cut = trial.state == States.FAIL and _state(trial) == "cut"
            if cut and not killed_again and trial.number not in again:
                values = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
                self._study.enqueue_trial(values, user_attrs={AGAIN: trial.number})

    @property
    def trials(self) -> list[Trial]:
        """Those that have ended, in their order."""
        found = self._study.get_trials(deepcopy=False)
        return [self._trial(trial) for trial in found if trial.state.is_finished()]

    def ask(self) -> OpenTrial:
        """The next trial; it must be ended before another one begins."""
        from optuna.samplers import TPESampler

        done = sum(trial.state.is_finished() for trial in self._study.get_trials(deepcopy=False))
        seed = int(np.random.SeedSequence((self._seed, done)).generate_state(1)[0])
        self._study.sampler = TPESampler(seed=seed, n_startup_trials=RANDOM_TRIALS, multivariate=True)
        asked = self._study.ask(self._distributions)
        return OpenTrial(self._study, asked, self._rounded(asked.params))

    def importances(self) -> dict[str, float]:
        """The share of the variance of the score that each setting explains, largest first; empty where unknown.

        By fANOVA (Hutter et al. 2014) over the complete trials; it takes some to say anything.
        """
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        complete = [trial for trial in self.trials if trial.state == "complete"]
        if len(complete) < RANDOM_TRIALS:
            return {}
        try:
            shares = get_param_importances(self._study, evaluator=FanovaImportanceEvaluator(seed=self._seed))
        except RuntimeError:  # all scores are alike
            return {}
        return {path: float(share) for path, share in shares.items()}

    def _trial(self, trial: optuna.trial.FrozenTrial) -> Trial:
        state = _state(trial)
        return Trial(
            number=trial.number,
            state=state,
            values=self._rounded(trial.params),
            score=trial.value if state == "complete" else None,
            seconds=float(trial.user_attrs.get(SECONDS, math.nan)),
            curve=dict(trial.intermediate_values),
            reason=trial.user_attrs.get(REASON, "" if state == "complete" else INTERRUPTED),
        )

    def _rounded(self, values: Mapping[str, Any]) -> dict[str, Value]:
        return {path: domain.rounded(values[path]) for path, domain in self._space.items() if path in values}


class OpenTrial:
    """A trial that is going on. Made by `Study.ask`."""

    def __init__(self, study: optuna.Study, trial: optuna.Trial, values: dict[str, Value]) -> None:
        self._study = study
        self._trial = trial
        self.values = values
        """What to try."""

    @property
    def number(self) -> int:
        """From 0."""
        return self._trial.number

    def promising(self, epoch: int, score: float) -> bool:
        """Takes in the score after an epoch; False where it is below the median of earlier trials at that epoch."""
        self._trial.report(score, epoch)
        return not self._trial.should_prune()

    def complete(self, score: float, seconds: float, reason: str = "") -> None:
        """It is done; a reason says where the score comes from if not from a training."""
        self._trial.set_user_attr(SECONDS, seconds)
        if reason:
            self._trial.set_user_attr(REASON, reason)
        self._study.tell(self._trial, score)

    def end(self, state: Literal["pruned", "failed", "cut"], reason: str, seconds: float) -> None:
        """It ends without a score."""
        from optuna.trial import TrialState as States

        self._trial.set_user_attr(SECONDS, seconds)
        self._trial.set_user_attr(REASON, reason)
        self._trial.set_user_attr(STATE, state)
        self._study.tell(self._trial, state=States.PRUNED if state == "pruned" else States.FAIL)


def _opened(file: Path, warmup: int) -> optuna.Study:
    try:
        import optuna
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise missing_dependency("optuna", "tune", "tuning") from error
    from optuna.exceptions import StorageInternalError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=TRIALS_BEFORE_PRUNING, n_warmup_steps=warmup)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return optuna.create_study(
            storage=f"sqlite:///{file.resolve()}", study_name=NAME, direction="maximize", load_if_exists=True,
            pruner=pruner,
        )  # fmt: skip
    except (OSError, SQLAlchemyError, StorageInternalError, RuntimeError) as error:
        raise ArtifactError(
            f"{file} cannot be opened as a search", got=str(error).splitlines()[0], remedy="give another --out"
        ) from error


def _distribution(domain: Domain) -> optuna.distributions.BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(domain, Choice):
        return CategoricalDistribution(domain.options)
    if isinstance(domain, Floats):
        return FloatDistribution(domain.low, domain.high, log=domain.log)
    return IntDistribution(domain.low, domain.high, log=domain.log)


def _state(trial: optuna.trial.FrozenTrial) -> TrialState:
    """How a finished trial ended; one whose process was killed could not say."""
    if trial.state.name == "COMPLETE":
        return "complete"
    state: TrialState = trial.user_attrs.get(STATE, "cut")
    return state
