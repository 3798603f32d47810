"""`shopkeeper serve`: the service, the storefront and the dashboard, until it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shopkeeper.cli import options


def serve(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder written by `shopkeeper train`.")],
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on [127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, help="Port; 0 takes a free one [8080].")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes that answer [1].")] = None,
    database: Annotated[
        str | None,
        typer.Option("--database", help="Where events are kept: a path, sqlite:///path or postgresql://... "
                     "[$SHOPKEEPER_DATABASE, else shop.db beside the bundle]"),
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option("--api-key-file", help="File of API keys, made by `shopkeeper keys create`.")
    ] = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = [],
) -> None:  # fmt: skip
    """Serve a bundle over HTTP: events in, recommendations out, storefront at /, dashboard at /dashboard.

    Stop it with Ctrl-C. A bundle that replaces the one in the folder is taken over without dropping a request.

    Example: shopkeeper serve bundle --port 8080 --workers 2 --database shop.db
    """
    from shopkeeper.serving.server import serve as run

    flags = [
        ("service.host", host),
        ("service.port", port),
        ("service.workers", workers),
        ("service.database", database),
        ("service.api_key_file", api_key_file),
    ]
    settings = options.shop_settings(config, overrides, flags).service
    console = Console(highlight=False)
    run(bundle, settings, lambda address: console.print(f"Shopkeeper answers at {address}", soft_wrap=True))
