"""What titles hold reaches no terminal as more than text."""

from __future__ import annotations

from pathlib import Path

import pytest

import shopkeeper.cli
from shopkeeper.cli.plain import escape, plain


@pytest.mark.parametrize(
    "text",
    ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "a\rb", "\x08\x08", "\x00", "\x7f", "\u202egnp.exe", "\u2066x", "\x0c"],
)
def test_nothing_steers(text: str) -> None:
    found = plain(text)
    assert len(found) == len(text)
    assert all(letter.isprintable() for letter in found)


def test_text_stays() -> None:
    assert plain("Zoë 商店 👜\n\tnext") == "Zoë 商店 👜\n\tnext"
    assert escape("[red]x[/]\x1b") == "\\[red]x\\[/]\N{REPLACEMENT CHARACTER}"


def test_every_command_escapes_this_way() -> None:
    for file in Path(shopkeeper.cli.__file__).parent.glob("*.py"):
        assert "rich.markup import escape" not in file.read_text(encoding="utf-8"), file.name
