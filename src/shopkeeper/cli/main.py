"""The command `shopkeeper`: registers the commands, and turns errors into plain words and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated

import typer
from rich.console import Console

from shopkeeper._version import __version__
from shopkeeper.errors import ShopkeeperError

app = typer.Typer(
    name="shopkeeper",
    help="Turns a shop's event log and catalog into personal recommendations.",
    epilog="Exit codes: 0 done, 1 findings or failure, 2 settings, 3 data, 4 artifact, 5 not fitted, "
    "6 unknown id, 7 missing library, 8 resources, 9 training, 10 event store, 11 endpoint.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"shopkeeper {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options that go before the command."""


@cache
def register() -> None:
    """Adds every command of this package to the app, once a process."""
    from shopkeeper.cli.attach import attach
    from shopkeeper.cli.backup import backup, restore
    from shopkeeper.cli.demo import demo
    from shopkeeper.cli.doctor import doctor
    from shopkeeper.cli.evaluate import evaluate
    from shopkeeper.cli.events import app as events
    from shopkeeper.cli.features import features
    from shopkeeper.cli.items import app as items
    from shopkeeper.cli.keys import app as keys
    from shopkeeper.cli.predict import predict
    from shopkeeper.cli.prepare import prepare
    from shopkeeper.cli.recommend import recommend
    from shopkeeper.cli.report import report
    from shopkeeper.cli.retrain import retrain
    from shopkeeper.cli.select import select
    from shopkeeper.cli.serve import serve
    from shopkeeper.cli.similar import similar
    from shopkeeper.cli.train import train
    from shopkeeper.cli.tune import tune
    from shopkeeper.cli.users import app as users
    from shopkeeper.cli.validate import validate

    needing_arguments: list[Callable[..., None]] = [
        validate,
        prepare,
        train,
        tune,
        select,
        predict,
        attach,
        evaluate,
        recommend,
        report,
        serve,
        retrain,
        features,
        similar,
    ]
    for command in needing_arguments:
        app.command(no_args_is_help=True)(command)
    for command in (backup, restore):
        app.command(no_args_is_help=True)(command)
    app.command()(demo)
    app.command()(doctor)
    app.add_typer(events, name="events")
    app.add_typer(items, name="items")
    app.add_typer(keys, name="keys")
    app.add_typer(users, name="users")


def main() -> None:
    """Runs the command line; errors of ours are printed without a traceback and end with their exit code."""
    register()
    try:
        app()
    except ShopkeeperError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {_escaped(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; finished artifacts are whole, training goes on with the same command")
        sys.exit(130)


def _escaped(text: str) -> str:
    from shopkeeper.cli.plain import escape

    return escape(text)


if __name__ == "__main__":
    main()
