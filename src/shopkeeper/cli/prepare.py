"""`shopkeeper prepare`: cleans a log and writes the dataset that everything else reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shopkeeper.cli import options
from shopkeeper.cli.progress import Bars


def prepare(
    events: options.EventsSource,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the dataset.")] = Path("dataset"),
    catalog: options.CatalogSource = None,
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
    """Clean a log: duplicates, bots, outliers, returns, rare items. Every rejected row is kept with its reason.

    Example: shopkeeper prepare events.parquet --catalog items.csv --out dataset --set prepare.k_core.min_item_events=5
    """
    from shopkeeper.cli.finding_tables import rejection_table
    from shopkeeper.data.prepare import prepare as prepare_log

    flags = options.reading_flags(columns, catalog_columns, item_columns, event_type, event_type_map, time_zone)
    settings = options.shop_settings(config, overrides, flags)
    log, items = options.read_inputs(events, catalog, settings)
    with Bars(quiet) as bars:
        dataset = prepare_log(log, items, settings.prepare, out, bars)
    console = Console(highlight=False)
    console.print(rejection_table(dataset.facts))
    console.print(
        f"{dataset.n_events:,} events of {dataset.n_users:,} shoppers on {dataset.n_items:,} items in {out}; "
        f"rejected rows with reasons in {out / 'rejected.parquet'}"
    )
