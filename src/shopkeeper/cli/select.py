"""`shopkeeper select`: which predictor of behavior to take for a log."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from shopkeeper.cli import options
from shopkeeper.cli.plain import escape
from shopkeeper.cli.progress import Bars
from shopkeeper.data.examples.settings import Moment

if TYPE_CHECKING:
    from shopkeeper.evaluation.behavior.leaderboard import BehaviorLeaderboard
    from shopkeeper.jobs.select import Selection

QUALITY = ("auc", "pr_auc", "calibration_error", "sampled_calibration_error", "lift", "rmse", "mae", "r2")
BESIDE = ("group_auc", "log_loss")
"""Figures of the two tables on the screen, each narrow enough for 80 characters; the JSON has all."""


def select(
    data: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder written by `shopkeeper prepare`.")],
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", help="view, like, cart, purchase (the default), return, churn, or amount."),
    ] = None,
    given: Annotated[
        str | None, typer.Option("--given", help="Only pairs of which this event happened: cart, for example.")
    ] = None,
    days: Annotated[
        float | None, typer.Option("--days", min=0.001, help="How far ahead the target counts; 7 by default.")
    ] = None,
    moment: Annotated[
        Moment | None,
        typer.Option("--moment", help="Asked at any moment (the default within days), or at a visit."),
    ] = None,
    models: Annotated[
        str | None, typer.Option("--models", "-m", help="By comma; without it those that suit the log; or all.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the search; one that is there goes on.")] = Path(
        "selection"
    ),
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.01, help="Time for all, the same for each model.")
    ] = 10.0,
    trials: Annotated[int | None, typer.Option("--trials", min=1, help="At most so many now, of each model.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the search and of each training.")] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Also write an HTML page about what was found.")
    ] = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = [],
    quiet: options.Quiet = False,
) -> None:
    """Find out which model predicts best what shoppers will do, and what that costs.

    Predictors learn from the earlier part of the log, each is tuned for the same time on the part behind it, and the
    last part is asked once. The folder gets leaderboard.json, best.toml and the chosen predictor in predictor/, which
    `shopkeeper predict` takes. The same command goes on where it stopped.

    Example: shopkeeper select dataset --target purchase --days 7 --minutes 10 --out selection/purchase

    Example: shopkeeper select dataset --target purchase --given cart --models gradientboosting,logisticregression

    Example: shopkeeper select dataset --target churn --days 90 --trials 5 --report churn.html

    Then: shopkeeper predict dataset --predictor selection/purchase/predictor --user c001 --item 00003
    """
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.evaluation.behavior_report.page import write_behavior_report
    from shopkeeper.jobs.select import select as search
    from shopkeeper.jobs.select_report import selection_inputs
    from shopkeeper.jobs.select_results import BEST, PREDICTOR, write_selection
    from shopkeeper.jobs.tune_goal import Budget

    budget, dataset = Budget(minutes, trials), Dataset.open(data)
    wanted = None if models is None else [name.strip() for name in models.split(",") if name.strip()]
    flags: list[tuple[str, Any]] = [
        ("behavior.examples.target", target), ("behavior.examples.given", given), ("behavior.examples.days", days),
        ("behavior.examples.moment", moment), ("behavior.models", wanted), ("behavior.seed", seed),
    ]  # fmt: skip
    settings = options.prepared_settings(dataset, config, overrides, flags)
    with Bars(quiet) as bars:
        found = search(dataset, settings.behavior, settings.prepare.split, out, budget, bars)
    write_selection(found, out)
    _say(found)
    if report is not None:
        command = shlex.join(["shopkeeper", *sys.argv[1:]])
        write_behavior_report(selection_inputs(found, dataset, command), report, settings.behavior.report)
        Console(highlight=False).print(escape(f"report in {report}"), soft_wrap=True)
    places = f"the predictor is in {out / PREDICTOR}, its settings in {out / BEST}"
    Console(highlight=False).print(escape(places), soft_wrap=True)


def _say(found: Selection) -> None:
    from shopkeeper.evaluation.behavior.leaderboard import asked_words

    console = Console(highlight=False)
    for stamp in found.board.protocol.stamps():
        console.print(escape(stamp), soft_wrap=True)
    for table in _tables(found.board, found.verdict.chosen):
        console.print(table)
    if words := asked_words(found.board.entries):
        console.print(escape(words), soft_wrap=True)
    for words in _beside(found):
        console.print(escape(words), soft_wrap=True)
    for name, reason in found.left_out.items():
        console.print(escape(f"{name} was left out: {reason}"), soft_wrap=True)
    tried = ", ".join(f"{name} {one.trials}" for name, one in found.kept.items())
    console.print(escape(f"settings tried: {tried}; ended: {found.why}; the same command goes on"), soft_wrap=True)
    console.print()
    for words in found.verdict.words:
        console.print(escape(words), soft_wrap=True, style="bold")


def _beside(found: Selection) -> list[str]:
    """Each other predictor beside the chosen one, in a line."""
    by_name: dict[str, list[str]] = {}
    for row in found.comparisons:
        says = f"{_head(row.metric)} {row.difference:+.3g} [{row.low:+.3g}, {row.high:+.3g}] p {row.p_value:.2g}"
        by_name.setdefault(row.a, []).append(says)
    return [f"{name} beside {found.verdict.chosen}: {', '.join(says)}" for name, says in by_name.items()]


def _tables(board: BehaviorLeaderboard, chosen: str) -> list[Table]:
    """What the predictors reach, and what they cost."""
    from shopkeeper.evaluation.behavior.leaderboard import (
        ASKED_HEADS,
        COST_HEADS,
        asked_cells,
        cell,
        cost_cells,
        shown_figures,
    )

    known = shown_figures(board)
    hidden = "calibration_error" if "sampled_calibration_error" in known else ""
    shown = [name for name in known if name in QUALITY and name != hidden]
    quality = _empty("test part, ± half a 95 % interval over shoppers", [_head(name) for name in shown])
    more = [name for name in known if name in BESIDE]
    cost = _empty("and what they cost", [*(_head(name) for name in more), *COST_HEADS])
    asked = _empty("as asked: all active shoppers with all items of the test part", ASKED_HEADS)
    for entry in board.entries:
        style = "bold" if entry.name == chosen else None
        asked.add_row(escape(entry.name), *asked_cells(entry), style=style)
        quality.add_row(escape(entry.name), *(cell(entry, name) for name in shown), style=style)
        cost.add_row(escape(entry.name), *(cell(entry, name) for name in more), *cost_cells(entry), style=style)
    return [quality, asked, cost] if any(entry.as_asked for entry in board.entries) else [quality, cost]


def _empty(title: str, heads: Sequence[str]) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("model", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _head(metric: str) -> str:
    from shopkeeper.evaluation.behavior.leaderboard import HEADS

    return HEADS[metric]
