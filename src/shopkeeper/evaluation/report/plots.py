"""Altair charts as inline SVG: one look for all, colors as CSS variables so that they follow light and dark mode.

Every plot is drawn twice, for a desk and for a phone; the page shows the one that fits. Colors reach the SVG as
``var(--name)``, which the style sheet of the page defines. Charts get at most a few thousand rows: sections aggregate
in NumPy first.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shopkeeper.errors import missing_dependency
from shopkeeper.evaluation.report.markup import Html, join, tag

WIDE = 760
NARROW = 340
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
INK, QUIET, LINE, ACCENT = "var(--ink)", "var(--quiet)", "var(--line)", "var(--accent)"
SERIES = tuple(f"var(--series-{place})" for place in range(1, 7))
SHORT = "format(datum.value, '~s')"
"""Label of a tick of counts: ``0``, ``5k``, ``1.2M``."""

Row = Mapping[str, Any]
Draw = Callable[[int], Any]
"""Makes the chart for a width in pixels."""


def require_altair() -> None:
    """Refuses early where the plotting libraries are not installed.

    Raises:
        MissingDependencyError: Altair or vl-convert is missing.
    """
    for library in ("altair", "vl_convert"):
        try:
            __import__(library)
        except ImportError as error:
            raise missing_dependency(library, "report", "the report") from error


def figure(draw: Draw, caption: object, label: str) -> Html:
    """A plot in both widths over the sentence that says what it shows.

    Args:
        draw: Makes the chart for a width.
        caption: The sentence.
        label: Short text for those who cannot see the plot.
    """
    plots = [
        tag("div", svg(draw(width), width), class_=f"plot {name}", role="img", aria_label=label)
        for name, width in (("wide", WIDE), ("narrow", NARROW))
    ]
    return tag("figure", join(plots), tag("figcaption", caption))


def svg(chart: Any, width: int) -> Html:
    """A chart as SVG markup of this width in pixels, its ids unlike those of any other plot of the page."""
    import vl_convert

    spec = chart.properties(width=width, autosize={"type": "fit-x", "contains": "padding"}).to_dict(validate=False)
    spec["config"] = _look(small=width < WIDE)
    drawn: str = vl_convert.vegalite_to_svg(spec)
    prefix = f"plot{zlib.crc32(drawn.encode()):08x}-"
    drawn = re.sub(r'\bid="', f'id="{prefix}', drawn)
    drawn = re.sub(r"url\(#", f"url(#{prefix}", drawn)
    drawn = drawn.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    return Html(drawn.replace("<svg ", '<svg aria-hidden="true" ', 1))


def rows(data: Sequence[Row]) -> Any:
    """Rows as Altair takes them, inline."""
    import altair as alt

    return alt.InlineData(values=[dict(row) for row in data])


def series_scale(names: Sequence[str]) -> Any:
    """A color for each name, in order."""
    import altair as alt

    return alt.Scale(domain=list(names), range=[SERIES[place % len(SERIES)] for place in range(len(names))])


def _look(small: bool) -> dict[str, Any]:
    size = 11 if small else 12
    words = {"font": FONT, "fontSize": size, "fontWeight": "normal", "color": INK}
    return {
        "background": None,
        "padding": {"left": 8, "right": 8, "top": 5, "bottom": 5},
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": QUIET,
            "titleColor": QUIET,
            "labelFontSize": size,
            "titleFontSize": size,
            "titleFontWeight": "normal",
            "titlePadding": 10,
            "labelPadding": 6,
            "labelFlush": False,
            "gridColor": LINE,
            "domainColor": LINE,
            "tickColor": LINE,
            "labelLimit": 110 if small else 220,
        },
        "axisY": {"domain": False, "ticks": False},
        "legend": {
            "orient": "top",
            "title": None,
            "labelColor": INK,
            "labelFontSize": size,
            "symbolSize": 90,
            "symbolStrokeWidth": 0,
            "padding": 0,
            "offset": 12,
            "columns": 2 if small else 6,
            "columnPadding": 18,
            "labelLimit": 120 if small else 200,
        },
        "header": {"labelColor": INK, "labelFontSize": size, "title": None},
        "text": words,
        "bar": {"color": ACCENT},
        "line": {"color": ACCENT, "strokeWidth": 2.2},
        "rule": {"color": QUIET},
        "point": {"filled": True, "color": ACCENT},
    }
