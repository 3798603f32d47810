"""HTML by small functions: text is escaped unless it is `Html`, so that a product title can never become markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

VOID = frozenset({"br", "hr", "meta", "col", "img"})


class Html(str):
    """Text that is markup already. Only functions of this package make it."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as markup: `Html` as it is, anything else escaped."""
    return value if isinstance(value, Html) else Html(escape(str(value)))


def join(parts: Iterable[object]) -> Html:
    """Several values as markup, one after the other."""
    return Html("".join(text(part) for part in parts))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """One element.

    Args:
        name: Name of the element.
        children: What is inside; escaped unless it is `Html`.
        attributes: Escaped always. A trailing underscore is cut (``class_``), other underscores become dashes, and
            None leaves the attribute out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def table(head: Sequence[object], rows: Iterable[Sequence[object]], numeric: Iterable[int] = ()) -> Html:
    """A table that scrolls sideways where the page is narrow.

    Args:
        head: Titles of the columns.
        rows: Cells.
        numeric: Places of the columns that are aligned as numbers.
    """
    places = frozenset(numeric)

    def cells(kind: str, row: Sequence[object]) -> Html:
        return join(tag(kind, cell, class_="num" if place in places else None) for place, cell in enumerate(row))

    body = tag("tbody", *(tag("tr", cells("td", row)) for row in rows))
    inner = tag("table", tag("thead", tag("tr", cells("th", head))), body)
    return tag("div", inner, class_="scroll", tabindex="0")


def paragraph(*children: object, class_: str | None = None) -> Html:
    """A paragraph."""
    return tag("p", *children, class_=class_)


def note(*children: object) -> Html:
    """A quiet sentence: something is not here, and why."""
    return paragraph(*children, class_="note")


def strong(value: object) -> Html:
    """Emphasized text."""
    return tag("strong", value)
