"""One section of the page."""

from __future__ import annotations

from dataclasses import dataclass

from shopkeeper.evaluation.report.markup import Html, join, tag


@dataclass(frozen=True)
class Section:
    """A titled part of the page.

    Attributes:
        anchor: Id of the element, for the table of contents.
        title: Heading.
        body: What is below it.
    """

    anchor: str
    title: str
    body: Html

    def html(self) -> Html:
        """The section as markup."""
        heading = tag("h2", self.title, id=f"{self.anchor}-title")
        return tag("section", heading, self.body, id=self.anchor, aria_labelledby=f"{self.anchor}-title")


def subsection(title: str, *children: object) -> Html:
    """A part with a smaller heading."""
    return tag("div", tag("h3", title), join(children), class_="part")
