"""`shopkeeper keys`: makes, lists and revokes the API keys of a service."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from shopkeeper.cli.plain import escape
from shopkeeper.errors import ConfigError, choices, missing_dependency

if TYPE_CHECKING:
    from shopkeeper.serving.access.keys import Key, KeyScope

app = typer.Typer(
    no_args_is_help=True, help="Make, list and revoke API keys; services that run follow within a second."
)
File = Annotated[
    Path, typer.Option("--file", "-f", envvar="SHOPKEEPER_API_KEY_FILE", help="The file of keys, as in --api-key-file.")
]
DEFAULT_FILE = Path("keys.txt")
_SPAN = re.compile(r"([0-9]{1,5})([dh])", re.ASCII)


@app.command(no_args_is_help=True)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, for the log and for `revoke`.")],
    scopes: Annotated[
        list[str], typer.Option("--scope", help="What it may do: events, recommend, items, metrics, or admin for "
                                "everything; may be repeated.")
    ] = [],
    expires: Annotated[
        str | None, typer.Option("--expires", help="When it ends: 90d, 12h, 2027-01-31 or a time; else never.")
    ] = None,
    origins: Annotated[
        list[str], typer.Option("--origin", help="Makes it a browser key, for pages of https://shop.example; may be "
                                "repeated.")
    ] = [],
    file: File = DEFAULT_FILE,
) -> None:  # fmt: skip
    """Make a key and print it, this once; the file keeps its hash.

    Example: shopkeeper keys create backend --scope events --scope recommend --expires 90d --file keys.txt

    Example: shopkeeper keys create shop-page --origin https://shop.example --file keys.txt
    """
    keys = _keys()
    chosen = frozenset(_scope(word) for given in scopes for word in given.split(","))
    if origins and not chosen:
        chosen = keys.BROWSER_SCOPES
    created = keys.create_key(file, name, chosen, _moment(expires), origins)
    print(created.secret)
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    if created.key.user_secret is not None:
        print(created.key.user_secret)
        notes.print(
            "The first line is the key, which pages may show; the second signs users, and stays on your server."
        )
    notes.print(escape(f"{name} is in {file}, hashed: what stands above cannot be shown again."))


@app.command("list")
def list_keys(file: File = DEFAULT_FILE) -> None:
    """List the keys: what each may do, and until when.

    Example: shopkeeper keys list --file keys.txt
    """
    table = Table()
    for column in ("name", "scopes", "created", "expires", "origins"):
        table.add_column(column, overflow="fold")
    key: Key
    for key in _keys().read_keys(file):
        cells = (key.name, ", ".join(sorted(key.scopes)), _day(key.created_at), _end(key), ", ".join(key.origins))
        table.add_row(*map(escape, cells))
    Console(highlight=False).print(table)


@app.command(no_args_is_help=True)
def revoke(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The names of the keys.")],
    file: File = DEFAULT_FILE,
) -> None:
    """Revoke keys: every worker refuses them within a second.

    Example: shopkeeper keys revoke backend --file keys.txt
    """
    for name in names:
        _keys().revoke_key(file, name)
    Console(highlight=False).print(f"revoked {len(names):,}")


def _keys() -> ModuleType:
    try:
        from shopkeeper.serving.access import keys
    except ImportError as error:
        raise missing_dependency("msgspec", "serve", "API keys") from error
    return keys


def _scope(word: str) -> KeyScope:
    from shopkeeper.serving.access.keys import KeyScope

    try:
        return KeyScope(word.strip())
    except ValueError as error:
        raise ConfigError(
            "this is no scope of a key", expected=choices(word, [scope.value for scope in KeyScope]), got=repr(word)
        ) from error


def _moment(text: str | None) -> datetime | None:
    """When a key ends; a date ends where it begins, in UTC."""
    if text is None:
        return None
    now = datetime.now(UTC).replace(microsecond=0)
    span = _SPAN.fullmatch(text)
    if span is not None:
        return now + timedelta(days=int(span[1])) if span[2] == "d" else now + timedelta(hours=int(span[1]))
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError("this is no end of a key", expected="90d, 12h or 2027-01-31", got=repr(text)) from error
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    if found <= now:
        raise ConfigError("this key would have ended already", expected="a time to come", got=found.isoformat())
    return found


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.date().isoformat()


def _end(key: Key) -> str:
    if key.expires_at is None:
        return "never"
    return f"expired {_day(key.expires_at)}" if key.expired() else key.expires_at.isoformat(timespec="minutes")
