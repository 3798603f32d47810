"""The map of the catalog: items as dots on a plane, colored by category, named where many of one kind lie together.

Drawn by hand as SVG: a dot is one small element whose title shows under the pointer, and the style sheet of the page
makes dots and names larger where the page is narrow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from shopkeeper.evaluation.report.markup import Html, join, tag
from shopkeeper.evaluation.report.plots import SERIES
from shopkeeper.types import Float32Array, Int64Array

WIDTH, HEIGHT, MARGIN = 760, 540, 26
DOT: Final = 3.2
COLORS: Final = len(SERIES) - 1
"""Categories with a color of their own; all others share the last."""
OTHERS: Final = "others"
NAMED: Final = 14
"""Names on the map, at most."""
FEWEST_NAMED: Final = 6
LETTER, LINE = 8.2, 21
"""Room that a letter and a line of a name take."""
NARROW: Final = 2.0
"""So much larger are letters beside the map where the page is narrow."""
SCATTERED: Final = 0.22
"""A kind whose middle half spreads over more of the map has no place to be named at."""


class _Label(NamedTuple):
    """A name at its place, with half the room it takes across."""

    name: str
    x: float
    y: float
    half: float
    major: bool = True

    def covers(self, other: _Label, times: float = 1) -> bool:
        """Whether the two overlap where letters are so many times as large."""
        near = abs(self.x - other.x) < times * (self.half + other.half)
        return near and abs(self.y - other.y) < times * LINE

    def fits(self, times: float) -> bool:
        """Whether it stays within the map where letters are so many times as large."""
        return times * self.half <= self.x <= WIDTH - times * self.half


def catalog_map(
    places: Float32Array, codes: Int64Array, names: Sequence[str], kinds: Sequence[str], titles: Sequence[str]
) -> Html:
    """Legend and map.

    Args:
        places: float32 [n, 2]; between 0 and 1.
        codes: int64 [n]; category of each item, place in `names`, below 0 for none; the first ones get colors.
        names: Categories, the most frequent first.
        kinds: For each item what names a part of the map: the last step of its category; may be empty.
        titles: For each item what shows under the pointer.
    """
    x = MARGIN + places[:, 0] * (WIDTH - 2 * MARGIN)
    y = HEIGHT - MARGIN - places[:, 1] * (HEIGHT - 2 * MARGIN)
    color = np.where((codes < 0) | (codes >= COLORS), COLORS, codes)
    groups = [
        tag("g", *(_dot(x[i], y[i], titles[i]) for i in np.flatnonzero(color == place).tolist()), style=_fill(place))
        for place in range(COLORS, -1, -1)
    ]
    drawn = tag("svg", *groups, *_names(x, y, kinds), viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img",
                aria_label="Map of the catalog", class_="map")  # fmt: skip
    return join([_legend(color, names), drawn])


def _dot(x: float, y: float, title: str) -> Html:
    return tag("circle", tag("title", title), cx=f"{x:.0f}", cy=f"{y:.0f}", r=DOT)


def _fill(place: int) -> str:
    return f"fill:{SERIES[place]}"


def _legend(color: Int64Array, names: Sequence[str]) -> Html:
    counts = np.bincount(color, minlength=COLORS + 1)
    entries = [(names[place] if place < COLORS else OTHERS, place) for place in np.flatnonzero(counts).tolist()]
    chips = (
        tag("li", tag("span", class_="swatch", style=f"background:{SERIES[place]}"), name) for name, place in entries
    )
    return tag("ul", *chips, class_="legend")


def _names(x: Float32Array, y: Float32Array, kinds: Sequence[str]) -> list[Html]:
    """Names of the most frequent kinds that lie together, none over another.

    Minor ones are those for which a narrow page, where letters are twice as large, has no room.
    """
    labels: list[_Label] = []
    for name, count in Counter(kind for kind in kinds if kind).most_common():
        if count < FEWEST_NAMED or len(labels) == NAMED:
            break
        inside = np.array([kind == name for kind in kinds])
        quarters = np.quantile(np.stack([x[inside] / WIDTH, y[inside] / HEIGHT]), [0.25, 0.5, 0.75], axis=1)
        if (quarters[2] - quarters[0]).max() > SCATTERED:
            continue
        half = LETTER * len(name) / 2
        across = min(max(float(quarters[1][0]) * WIDTH, half), WIDTH - half)
        label = _Label(name, across, float(quarters[1][1]) * HEIGHT, half)
        if not any(label.covers(other) for other in labels):
            major = label.fits(NARROW) and not any(label.covers(other, NARROW) for other in labels if other.major)
            labels.append(label._replace(major=major))
    return [
        tag("text", one.name, x=f"{one.x:.0f}", y=f"{one.y:.0f}", class_=None if one.major else "minor")
        for one in labels
    ]
