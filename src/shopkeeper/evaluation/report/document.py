"""One HTML document with everything inside: head, masthead with tiles, table of contents, sections, foot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files

from shopkeeper._version import __version__
from shopkeeper.evaluation.report.markup import Html, paragraph, tag
from shopkeeper.evaluation.report.sections.section import Section


def document(title: str, top: Html, sections: Sequence[Section]) -> str:
    """The text of the document, which loads nothing from elsewhere.

    Args:
        title: Name of the window.
        top: What `masthead` gave.
        sections: In the order of the page.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"Shopkeeper {__version__}"),
        tag("title", title),
        tag("style", Html(files(__package__).joinpath("page.css").read_text(encoding="utf-8"))),
    )
    page = tag("div", _contents(sections), tag("main", *(section.html() for section in sections)), class_="page")
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', top, page, _footer()), lang='en')}\n"


def masthead(over: str, title: str, lead: str | None, tiles: Sequence[tuple[str, str]]) -> Html:
    """What stands over the sections: a small line, the headline, a sentence, and figures with their names."""
    said = paragraph(lead, class_="lead") if lead else Html()
    shown = tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in tiles), class_="tiles")
    return tag("header", tag("div", tag("p", over, class_="over"), tag("h1", title), said, shown), class_="masthead")


def _contents(sections: Sequence[Section]) -> Html:
    links = [tag("li", tag("a", section.title, href=f"#{section.anchor}")) for section in sections]
    return tag("nav", tag("p", "On this page", class_="over"), tag("ol", *links), aria_label="On this page")


def _footer() -> Html:
    now = datetime.now(tz=UTC)
    written = f"Written by Shopkeeper {__version__} on {now.day} {now:%B %Y, %H:%M} UTC."
    return tag("footer", paragraph(written, " This page loads nothing from elsewhere."))
