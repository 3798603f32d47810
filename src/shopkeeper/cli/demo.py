"""`shopkeeper demo`: the whole line, from a log to a bundle and a report, on real purchases or on one's own."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from shopkeeper.cli import options
from shopkeeper.cli.progress import Bars

if TYPE_CHECKING:
    from shopkeeper.jobs.demo import Demo


def demo(
    events: Annotated[
        str | None, typer.Option("--events", help="Your log; without it the purchases of 2,469 households.")
    ] = None,
    catalog: options.CatalogSource = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for all that is made.")] = Path("demo-output"),
    columns: options.ColumnMap = [],
    catalog_columns: options.CatalogMap = [],
    item_columns: options.ItemColumn = [],
    event_type: options.OneEventType = None,
    event_type_map: options.EventTypeMap = [],
    time_zone: options.TimeZone = None,
    models: Annotated[
        str | None, typer.Option("--models", help="Recommenders by comma, in place of the usual ones.")
    ] = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = [],
    quiet: options.Quiet = False,
) -> None:
    """Run the whole line: validate, prepare, train, evaluate, recommend, report, bundle.

    Examples: shopkeeper demo; shopkeeper demo --events events.csv --catalog items.csv
    """
    from shopkeeper.jobs.demo import DEMO_SETTINGS, MODELS, grocery_inputs, run_demo

    began = perf_counter()
    flags = options.reading_flags(columns, catalog_columns, item_columns, event_type, event_type_map, time_zone)
    own = config if config is not None or events is not None else DEMO_SETTINGS
    settings = options.shop_settings(own, overrides, flags)
    log, items = grocery_inputs() if events is None else options.read_inputs(events, catalog, settings)
    names = MODELS if models is None else tuple(name.strip() for name in models.split(","))
    command = shlex.join(["shopkeeper", *sys.argv[1:]])
    with Bars(quiet) as bars:
        result = run_demo(log, items, settings, names, out, bars, command)
    _show(result, perf_counter() - began)


def _show(result: Demo, seconds: float) -> None:
    from shopkeeper.cli.finding_tables import finding_table, rejection_table
    from shopkeeper.cli.tables import comparison_lines, leaderboard_table, recommendation_table

    console = Console(highlight=False)
    console.print(finding_table(result.validation))
    console.print(rejection_table(result.dataset.facts))
    console.print("\n".join(result.leaderboard.protocol.stamps()))
    console.print(leaderboard_table(result.leaderboard))
    for line in (*comparison_lines(result.leaderboard), *result.skipped):
        console.print(line)
    model = result.bundle.recommender.name
    console.print(f"\nchosen on the validation part: [bold]{model}[/]")
    for shopper, answer in zip(result.shoppers.user_ids, result.shoppers, strict=True):
        console.print(recommendation_table(answer, result.bundle.catalog, f"{model} for shopper {shopper}"))
    console.print(f"report  {result.folder / 'report.html'}\nbundle  {result.folder / 'bundle'}")
    console.print(f"done in {seconds:.0f} s")
