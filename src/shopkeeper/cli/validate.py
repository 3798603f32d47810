"""`shopkeeper validate`: what is wrong with a log, how much of it, and what it is good for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shopkeeper.cli import options


def validate(
    events: options.EventsSource,
    catalog: options.CatalogSource = None,
    columns: options.ColumnMap = [],
    catalog_columns: options.CatalogMap = [],
    item_columns: options.ItemColumn = [],
    event_type: options.OneEventType = None,
    event_type_map: options.EventTypeMap = [],
    time_zone: options.TimeZone = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the report as JSON.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Also write the report as a page.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="End with exit code 1 where there is an error.")] = False,
    config: options.ConfigFile = None,
    overrides: options.Overrides = [],
) -> None:
    """Look for faults in a log and say what its data unlock. Nothing is changed.

    Example: shopkeeper validate sales.parquet --event-type purchase --map user_id=CustomerID --json findings.json
    """
    from shopkeeper.artifacts import write_text_atomic
    from shopkeeper.cli.finding_tables import finding_table, unlock_table
    from shopkeeper.data.validation.validate import validate as find_faults

    flags = options.reading_flags(columns, catalog_columns, item_columns, event_type, event_type_map, time_zone)
    settings = options.shop_settings(config, overrides, flags)
    console = Console(highlight=False)
    with console.status("reading and checking"):
        log, items = options.read_inputs(events, catalog, settings)
        report = find_faults(log, items, settings.validation)
    console.print(finding_table(report))
    console.print(unlock_table(report))
    if json_file is not None:
        write_text_atomic(json_file, json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n")
    if html_file is not None:
        write_text_atomic(html_file, report.to_html())
    if strict and report.worst == "error":
        raise typer.Exit(1)
