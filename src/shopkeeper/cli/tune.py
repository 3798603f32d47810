"""`shopkeeper tune`: looks for good settings of one recommender within a budget of minutes."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from shopkeeper.cli import options
from shopkeeper.cli.plain import escape
from shopkeeper.cli.progress import Bars

if TYPE_CHECKING:
    from shopkeeper.jobs.tune import Tuned

SHOWN = 5
"""Best trials on the screen."""


def tune(
    data: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder written by `shopkeeper prepare`.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Which recommender: sasrec, transitions, ease ...")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the search; one that is there goes on.")] = Path(
        "tuning"
    ),
    minutes: Annotated[float, typer.Option("--minutes", min=0.01, help="Time for all, reading included.")] = 10.0,
    trials: Annotated[int | None, typer.Option("--trials", min=1, help="At most so many trials now.")] = None,
    metric: Annotated[
        str, typer.Option("--metric", help="What to raise on the validation part: ndcg@10, recall@20, mrr@5 ...")
    ] = "ndcg@10",
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the search and of each training.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")] = None,
    preset: options.Preset = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = [],
    quiet: options.Quiet = False,
) -> None:
    """Search a model's settings, and a network's training settings, by the validation part of a log.

    The first trial has the settings as they are (defaults, or those of --preset and --config); what is given with
    --set is not searched. The same command goes on where it stopped, for as many minutes again. The folder gets
    best.toml, trials.csv, tuning.html and the study in study.db.

    Example: shopkeeper tune dataset --model transitions --minutes 2 --out tuning/transitions

    Example: shopkeeper tune dataset --model sasrec --minutes 60 --out tuning/sasrec --set training.epochs=8

    Then: shopkeeper train dataset --model sasrec --config tuning/sasrec/best.toml
    """
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.errors import MissingDependencyError
    from shopkeeper.jobs.tune import tune as search
    from shopkeeper.jobs.tune_goal import Budget, Metric
    from shopkeeper.jobs.tune_results import BEST, PAGE, best_toml, write_page, write_results

    budget, wanted = Budget(minutes, trials), Metric.parse(metric)
    dataset = Dataset.open(data)
    flags = [("training.seed", seed), ("training.device", device)]
    settings = options.prepared_settings(dataset, config, overrides, flags, preset)
    fixed = [options.pair(override, "--set a.b=value")[0] for override in overrides]
    with Bars(quiet) as bars:
        found = search(dataset, model, settings, out, budget, fixed, wanted, bars)
    write_results(found, out)
    console = Console(highlight=False)
    console.print(_table(found))
    for line in _failures(found):
        console.print(line, soft_wrap=True)
    console.print(f"ended: {found.why}; the same command goes on\n")
    console.print(escape(best_toml(found)), soft_wrap=True)
    try:
        write_page(found, out, shlex.join(["shopkeeper", *sys.argv[1:]]))
        console.print(f"settings in {escape(str(out / BEST))}, plots in {escape(str(out / PAGE))}", soft_wrap=True)
    except MissingDependencyError as error:
        console.print(f"settings in {escape(str(out / BEST))}; no page: {escape(str(error))}", soft_wrap=True)


def _table(found: Tuned) -> Table:
    """The best trials, and the one that the search began with."""
    from shopkeeper.evaluation.report.tuning import shown
    from shopkeeper.jobs.tune_results import leading
    from shopkeeper.jobs.tune_space import short

    states = [trial.state for trial in found.trials]
    table = Table(
        title=f"{found.model.__name__}: {len(states)} trials, {states.count('pruned')} given up early, "
        f"{states.count('failed')} failed"
    )
    for column in ("trial", str(found.metric), "s"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("settings")
    for trial in leading(found.trials, SHOWN):
        values = ", ".join(f"{short(path)} {shown(value)}" for path, value in trial.values.items())
        score = "-" if trial.score is None else f"{trial.score:.4f}"
        name = f"{trial.number} (start)" if trial.number == 0 else str(trial.number)
        style = "bold" if trial.number == found.best.number else None
        table.add_row(name, score, f"{trial.seconds:,.1f}", escape(values), style=style)
    return table


def _failures(found: Tuned) -> list[str]:
    """Each reason why trials failed, with their number."""
    reasons = [trial.reason for trial in found.trials if trial.state == "failed"]
    return [f"{reasons.count(reason)} failed: {escape(reason)}" for reason in dict.fromkeys(reasons)]
