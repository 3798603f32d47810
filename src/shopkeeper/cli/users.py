"""`shopkeeper users`: forgets one user everywhere and proves it, or writes down all that is kept of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from shopkeeper.cli.events import Database, opened
from shopkeeper.errors import DataError

if TYPE_CHECKING:
    from shopkeeper.serving.event_store.store import EventStore
    from shopkeeper.types import Id

app = typer.Typer(no_args_is_help=True, help="Forget a user everywhere, or write down all that is kept of one.")
User = Annotated[str, typer.Argument(metavar="ID", help="The id of the user.")]


@app.command(no_args_is_help=True)
def forget(
    user: User,
    database: Database,
    verify: Annotated[
        list[Path], typer.Option("--verify", metavar="FOLDER", help="Take the user out of bundles, datasets, logs and "
                                 "backups below this folder or file too, then search it; may be repeated.")
    ] = [],
    more: Annotated[list[Path], typer.Argument(metavar="[FOLDER]...", help="More of them.", show_default=False)] = [],
) -> None:  # fmt: skip
    """Delete a user from the event store, write its tables anew, and do the same in files. Services follow.

    Exit code 1: a file still holds the id, and is named.

    Example: shopkeeper users forget c3 --database shop.db --verify bundles backups
    """
    with opened(database) as store:
        from shopkeeper.jobs.forgetting import forget_user

        paths = [*verify, *more]
        _check(paths)
        done = forget_user(store, user_id_of(store, user), paths)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(f"deleted {done.deleted.events:,} events and {done.deleted.answers:,} recorded answers")
    for path in done.erased:
        console.print(f"written anew without the user: {path}")
    for path in done.left:
        console.print(f"still holds the id: {path}")
    if done.left:
        raise typer.Exit(1)
    if paths:
        console.print(f"no file in {', '.join(map(str, paths))} holds the id")


@app.command(no_args_is_help=True)
def export(
    user: User,
    database: Database,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file of JSON.")] = Path("user.json"),
    files: Annotated[
        list[Path], typer.Option("--files", metavar="FOLDER", help="Also what bundles and logs below this folder hold; "
                                 "may be repeated.")
    ] = [],
) -> None:  # fmt: skip
    """Write all that is kept of a user as one file of JSON.

    Example: shopkeeper users export c3 --database shop.db --files bundles --out c3.json
    """
    with opened(database) as store:
        from shopkeeper.jobs.forgetting import write_user

        _check(files)
        kept = write_user(store, user_id_of(store, user), out, files)
    numbers = f"{len(kept['events']):,} events, {len(kept['answers']):,} answers and {len(kept['files']):,} files"
    Console(highlight=False).print(f"{numbers} in {out}", soft_wrap=True)


def user_id_of(store: EventStore, text: str) -> Id:
    """The id of a user as the shop has it.

    Raises:
        DataError: It is not of the shop's kind.
    """
    try:
        return int(text) if store.kinds.user_integer else text
    except ValueError as error:
        raise DataError("this shop's user ids are integers", got=repr(text)) from error


def _check(paths: list[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise DataError(f"there is nothing at {path}", expected="a file or a folder")
