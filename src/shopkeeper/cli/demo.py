"""`shopkeeper demo`: the whole line, from a log to a running shop page, on real purchases or on one's own."""

from __future__ import annotations

import os
import shlex
import sys
import webbrowser
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
    refit: options.Refit = False,
    config: options.ConfigFile = None,
    overrides: options.Overrides = [],
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="End with the service running and its page open, or before.")
    ] = True,
    port: Annotated[int, typer.Option("--port", min=0, help="Port of the page; a free one where it is taken.")] = 8080,
    quiet: options.Quiet = False,
) -> None:
    """Run the whole line: validate, prepare, train, evaluate, recommend, report, bundle, and serve the shop's page.

    Examples: shopkeeper demo; shopkeeper demo --events events.csv --catalog items.csv; shopkeeper demo --no-serve
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
        result = run_demo(log, items, settings, names, out, bars, command, refit)
    _show(result, perf_counter() - began)
    if serve:
        _serve(result.folder / "bundle", port, began)


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


def _serve(bundle: Path, port: int, began: float) -> None:
    """Runs the service until it is stopped, says where its page is, and opens it where there is a screen."""
    from shopkeeper.errors import ResourceError
    from shopkeeper.serving.server import listening, serve
    from shopkeeper.serving.settings import ServiceSettings

    def ready(address: str) -> None:
        console = Console(highlight=False)
        console.print(f"\n[bold]The shop's page: {address}/[/]  (dashboard: {address}/dashboard)", soft_wrap=True)
        console.print(f"It answers {perf_counter() - began:.0f} s after the start. Stop it with Ctrl-C.")
        if _has_screen():
            webbrowser.open(f"{address}/")

    settings = ServiceSettings(port=port, access_log=False)
    try:
        with listening(settings):
            """The port is free."""
    except ResourceError:
        settings = ServiceSettings(port=0, access_log=False)
    serve(bundle, settings, ready)


def _has_screen() -> bool:
    """Whether a browser window can be opened; without this a text browser would take the terminal."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
