"""`shopkeeper evaluate`: bundles beside baselines on the held-out part of their log."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shopkeeper.cli import options
from shopkeeper.cli.progress import Bars
from shopkeeper.cli.tables import comparison_lines, leaderboard_table


class Part(StrEnum):
    """Which held-out part asks."""

    VALIDATION = "validation"
    TEST = "test"


Bundles = Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="Folders written by `shopkeeper train`.")]
Data = Annotated[Path, typer.Option("--data", "-d", help="The dataset that they were trained from.")]
Baselines = Annotated[
    str | None, typer.Option("--baselines", help="Recommenders to fit beside, by comma; an empty text for none.")
]


def evaluate(
    bundles: Bundles,
    data: Data,
    part: Annotated[Part, typer.Option("--part", help="Choose by validation; run the test once.")] = Part.TEST,
    baselines: Baselines = None,
    out: Annotated[Path | None, typer.Option("--json", help="Also write all figures as JSON.")] = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = [],
    quiet: options.Quiet = False,
) -> None:
    """Ask bundles and baselines the held-out questions: the full catalog, every shopper, intervals, paired tests.

    Example: shopkeeper evaluate bundle --data dataset --json figures.json
    """
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.jobs.evaluate import evaluate_bundles
    from shopkeeper.pipeline.bundle import Bundle

    dataset = Dataset.open(data)
    settings = options.prepared_settings(dataset, config, overrides)
    with Bars(quiet) as bars:
        loaded = [Bundle.load(bundle) for bundle in bundles]
        result = evaluate_bundles(loaded, dataset, settings, part.value, baseline_names(baselines), bars)
    console = Console(highlight=False)
    console.print("\n".join(result.leaderboard.protocol.stamps()))
    console.print(leaderboard_table(result.leaderboard))
    for line in (*comparison_lines(result.leaderboard), *result.skipped):
        console.print(line)
    if out is not None:
        result.leaderboard.save(out)


def baseline_names(text: str | None) -> tuple[str, ...]:
    """The recommenders of `--baselines`: the usual ones where it was not given."""
    from shopkeeper.jobs.evaluate import BASELINES

    return BASELINES if text is None else tuple(name.strip() for name in text.split(",") if name.strip())
