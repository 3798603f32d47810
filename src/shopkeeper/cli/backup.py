"""`shopkeeper backup` and `restore`: the event store as one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from shopkeeper.cli.events import Database, opened

if TYPE_CHECKING:
    from shopkeeper.serving.event_store.summary import Summary


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup; nothing may be there yet.")],
    database: Database,
) -> None:
    """Write the event store into one file, as it is at this moment; services go on meanwhile.

    Example: shopkeeper backup backups/monday.db --database shop.db
    """
    with opened(database) as store:
        from shopkeeper.serving.event_store.backup import back_up

        _say(back_up(store, file), str(file))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Written by `shopkeeper backup`.")], database: Database
) -> None:
    """Put a backup in place of what the event store holds. Who was forgotten since stays forgotten; services follow.

    Example: shopkeeper restore backups/monday.db --database shop.db
    """
    from shopkeeper.cli.events import needs_store

    with needs_store():
        from shopkeeper.serving.event_store.backup import restore as put_back

    restored = put_back(file, database)
    _say(restored.summary, "the event store")
    if restored.forgotten:
        Console(highlight=False).print(f"{restored.forgotten:,} shoppers were forgotten since, and again now")


def _say(summary: Summary, where: str) -> None:
    numbers = f"{summary.events:,} events of {summary.shoppers:,} shoppers"
    Console(highlight=False).print(f"{numbers} and {summary.answers:,} recorded answers in {where}", soft_wrap=True)
