"""`shopkeeper retrain`: from the events of the store to a new bundle, promoted only where it is no worse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from shopkeeper.cli import options
from shopkeeper.cli.events import Database, opened
from shopkeeper.cli.plain import escape
from shopkeeper.cli.progress import Bars

if TYPE_CHECKING:
    from shopkeeper.jobs.retrain.retrain import Retrained


def retrain(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle that is served now.")],
    database: Database,
    log: Annotated[
        str | None, typer.Option("--log", help="The log from before the store; else the one that the bundle keeps.")
    ] = None,
    catalog: options.CatalogSource = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the new bundle [BUNDLE].")] = None,
    work: Annotated[
        Path | None, typer.Option("--work", help="Folder for logs, dataset and findings [BUNDLE-retrain].")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Another recommender than the bundle's.")] = None,
    refit: Annotated[
        bool | None,
        typer.Option("--refit/--no-refit", help="Fit what is promoted on the whole log after the trial [--refit]."),
    ] = None,
    allow_forgetting: Annotated[
        bool | None, typer.Option("--allow-forgetting", help="Promote even where the new log lacks what was known.")
    ] = None,
    columns: options.ColumnMap = [],
    catalog_columns: options.CatalogMap = [],
    item_columns: options.ItemColumn = [],
    event_type: options.OneEventType = None,
    event_type_map: options.EventTypeMap = [],
    time_zone: options.TimeZone = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = [],
    quiet: options.Quiet = False,
) -> None:
    """Export the event store, train on all that is known, and replace the bundle if the new one is no worse.

    Settings are those of the bundle where nothing else is said. Exit code 1: a check failed, the bundle is as it was.

    Example: shopkeeper retrain bundle --database shop.db --log events.parquet --catalog items.csv
    """
    from shopkeeper.data.catalog import Catalog
    from shopkeeper.data.events import Events
    from shopkeeper.jobs.retrain.retrain import RECORD, Inputs
    from shopkeeper.jobs.retrain.retrain import retrain as run
    from shopkeeper.jobs.retrain.settings import settings_of_bundle
    from shopkeeper.pipeline.bundle import Bundle

    flags = options.reading_flags(columns, catalog_columns, item_columns, event_type, event_type_map, time_zone)
    flags = [*flags, ("retrain.refit", refit), ("retrain.allow_forgetting", allow_forgetting)]
    settings = options.settings_over(settings_of_bundle(Bundle.load(bundle)), config, overrides, flags)
    work = work or bundle.with_name(f"{bundle.name}-retrain")
    items = Catalog.read(catalog, settings.catalog) if catalog is not None else None
    with opened(database) as store, Bars(quiet) as bars:
        inputs = Inputs(bundle, store, Events.read(log, settings.events) if log is not None else None, items)
        result = run(inputs, settings, out or bundle, work, model, bars)
    console = Console(highlight=False)
    console.print(_table(result))
    console.print(f"all figures in {work / RECORD}", soft_wrap=True)
    if not result.promoted:
        reasons = ", ".join(check.name for check in result.failed)
        console.print(f"not promoted: {escape(reasons)}; {escape(str(out or bundle))} is as it was", soft_wrap=True)
        raise typer.Exit(1)
    learned = "the whole log" if settings.retrain.refit else "the training part"
    console.print(f"promoted: the new bundle, fitted on {learned}, is in {escape(str(out or bundle))}", soft_wrap=True)


def _table(result: Retrained) -> Table:
    table = Table(title="What the new bundle had to show")
    for column in ("", "check", "expected", "found"):
        table.add_column(column)
    for check in result.checks:
        row = (check.name, check.expected, check.found)
        table.add_row("ok" if check.passed else "FAILED", *map(escape, row), style=None if check.passed else "bold red")
    return table
