"""What a search leaves in its folder: the best settings as TOML, a table of trials, and a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from shopkeeper.artifacts import write_text_atomic
from shopkeeper.config import to_toml
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.tuning import TuningInputs, render_tuning
from shopkeeper.jobs.tune import Tuned
from shopkeeper.jobs.tune_space import short, worth_writing
from shopkeeper.training.trials import Trial

BEST: Final = "best.toml"
TRIALS: Final = "trials.csv"
PAGE: Final = "tuning.html"


def best_toml(tuned: Tuned) -> str:
    """The best settings, ready for `shopkeeper train --config`, under a comment that says where they come from."""
    best = tuned.best
    said = (
        f"# {tuned.model.__name__}: trial {best.number} of {len(tuned.trials)}, {tuned.metric} {best.score:.4f} "
        f"on the validation part ({tuned.n_users:,} shoppers).\n"
    )
    return f"{said}\n{to_toml(worth_writing(tuned.settings, tuned.model, best.values))}"


def write_results(tuned: Tuned, folder: Path) -> None:
    """Writes `best.toml` and `trials.csv`.

    Raises:
        ArtifactError: The disk refuses.
    """
    write_text_atomic(folder / BEST, best_toml(tuned))
    write_text_atomic(folder / TRIALS, trials_csv(tuned))


def write_page(tuned: Tuned, folder: Path, command: str = "") -> None:
    """Writes `tuning.html`.

    Args:
        tuned: What was found.
        folder: Of the search.
        command: What was typed, for the record.

    Raises:
        MissingDependencyError: Altair or vl-convert is not installed.
        ArtifactError: The disk refuses.
    """
    inputs = TuningInputs(
        model=tuned.model.__name__,
        metric=wording.metric_name(tuned.metric.name, tuned.metric.k),
        trials=[replace(trial, values=_short(trial.values)) for trial in tuned.trials],
        space=_short(tuned.space),
        importances=_short(tuned.importances),
        toml=best_toml(tuned),
        n_users=tuned.n_users,
        why=tuned.why,
        command=command,
    )
    write_text_atomic(folder / PAGE, render_tuning(inputs))


def trials_csv(tuned: Tuned) -> str:
    """A line a trial: number, state, score, seconds, epochs, every setting, and the reason where it has one."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    paths = list(tuned.space)
    table.writerow(["trial", "state", str(tuned.metric), "seconds", "epochs", *paths, "reason"])
    for trial in tuned.trials:
        score = "" if trial.score is None else f"{trial.score:.6f}"
        epochs = max(trial.curve, default="")
        values = ["" if trial.values.get(path) is None else trial.values[path] for path in paths]
        table.writerow([trial.number, trial.state, score, f"{trial.seconds:.3f}", epochs, *values, trial.reason])
    return text.getvalue()


def leading(trials: Sequence[Trial], n: int) -> list[Trial]:
    """The n best trials that were really made, best first, and the first one of all behind them if it is not there."""
    done = [trial for trial in trials if trial.score is not None and not trial.reason]
    best = sorted(done, key=lambda trial: (-(trial.score or 0.0), trial.number))[:n]
    return best if any(trial.number == 0 for trial in best) else [*best, *(t for t in trials if t.number == 0)]


def _short(values: Mapping[str, Any]) -> dict[str, Any]:
    return {short(path): value for path, value in values.items()}
