"""`shopkeeper events`: what lies in the event store, the log that comes out of it, and forgetting a shopper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from shopkeeper.cli import options
from shopkeeper.cli.progress import Bars
from shopkeeper.errors import missing_dependency

if TYPE_CHECKING:
    from shopkeeper.serving.event_store.store import EventStore

app = typer.Typer(no_args_is_help=True, help="Count the event store, write it as a log, forget, prune, vacuum.")
Database = Annotated[
    str,
    typer.Option("--database", envvar="SHOPKEEPER_DATABASE", help="The event store: a path, sqlite:///shop.db or "
                 "postgresql://user@host/name."),
]  # fmt: skip


@contextmanager
def needs_store() -> Iterator[None]:
    """Around imports of the event store: says which library is missing."""
    try:
        yield
    except ImportError as error:
        raise missing_dependency("sqlalchemy", "serve", "the event store") from error


@contextmanager
def opened(database: str) -> Iterator[EventStore]:
    """The store at an address, closed in the end; one that is not there is an error."""
    with needs_store():
        from shopkeeper.serving.event_store.store import EventStore
    store = EventStore.open(database)
    try:
        yield store
    finally:
        store.close()


@app.command()
def export(
    database: Database,
    out: Annotated[Path, typer.Option("--out", "-o", help="The Parquet file.")] = Path("events.parquet"),
    quiet: options.Quiet = False,
) -> None:
    """Write all events as one Parquet file with the canonical columns, whole or not at all.

    Example: shopkeeper events export --database shop.db --out events.parquet
    """
    from shopkeeper.jobs.export import export_events

    with opened(database) as store, Bars(quiet) as bars:
        exported = export_events(store, out, bars)
    console = Console(highlight=False)
    console.print(f"{exported.rows:,} events up to {exported.position.sequence} in {out}", soft_wrap=True)
    console.print(f"sha256 {exported.sha256}", soft_wrap=True)


@app.command()
def stats(database: Database) -> None:
    """Count what lies in the store.

    Example: shopkeeper events stats --database postgresql://shop@localhost/shop
    """
    from shopkeeper.serving.event_store.summary import summarize

    with opened(database) as store:
        summary = summarize(store)
        table = Table(title=store.name, show_header=False)
    rows = [
        ("events", f"{summary.events:,}"),
        *((f"  {name}", f"{count:,}") for name, count in summary.by_type.items()),
        ("shoppers", f"{summary.shoppers:,}"),
        ("items", f"{summary.items:,}"),
        ("from", _moment(summary.first)),
        ("to", _moment(summary.last)),
        ("answers recorded", f"{summary.answers:,}"),
        ("shoppers forgotten", f"{summary.deletions:,}"),
    ]
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)


@app.command(no_args_is_help=True)
def forget(
    user: Annotated[str, typer.Argument(metavar="USER", help="The id of the shopper.")], database: Database
) -> None:
    """Delete all events and answers of a shopper. Running services and the next bundle pass over them from then on.

    `shopkeeper users forget` reaches files too.

    Example: shopkeeper events forget c3 --database shop.db
    """
    from shopkeeper.cli.users import user_id_of

    with opened(database) as store:
        deleted = store.delete_user(user_id_of(store, user))
    console = Console(highlight=False)
    console.print(f"deleted {deleted.events:,} events and {deleted.answers:,} recorded answers")


@app.command()
def prune(
    database: Database,
    days: Annotated[float, typer.Option("--days", min=0, help="What is older than so many days goes.")] = 90.0,
) -> None:
    """Delete old records of answers and traffic, which only the dashboard reads. Events stay.

    Example: shopkeeper events prune --database shop.db --days 30
    """
    before = datetime.now(UTC) - timedelta(days=days)
    pruned = 0
    with opened(database) as store:
        while deleted := store.prune_answers(int(before.timestamp() * 1e6)):
            pruned += deleted
    Console(highlight=False).print(f"deleted {pruned:,} recorded answers from before {before:%Y-%m-%d %H:%M} UTC")


@app.command()
def vacuum(database: Database) -> None:
    """Write all tables of the store anew, without remains and space of deleted rows. Services wait meanwhile.

    Example: shopkeeper events vacuum --database shop.db
    """
    with opened(database) as store:
        before = store.size()
        store.vacuum(whole=True)
        Console(highlight=False).print(f"{before:,} bytes before, {store.size():,} after")


def _moment(microseconds: int | None) -> str:
    if microseconds is None:
        return "-"
    return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat(sep=" ", timespec="seconds")
