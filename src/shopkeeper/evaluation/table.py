"""A table of text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Aligns cells under their head: the first column to the left, the others to the right.

    Args:
        head: Names of the columns.
        body: Rows of as many cells.
    """
    widths = [max(len(row[column]) for row in (head, *body)) for column in range(len(head))]
    lines = []
    for row in (head, *body):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:]])
