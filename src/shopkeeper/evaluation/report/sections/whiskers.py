"""The dot-and-whisker plot: a figure a row, its 95 % interval as a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.plots import ACCENT, QUIET, rows, series_scale
from shopkeeper.evaluation.rows import MetricRow

HEIGHT = 30


def whiskers(scores: Sequence[MetricRow], title: str, best: str, width: int) -> Any:
    """One row a model, the best one in the accent color.

    Args:
        scores: One figure a model, in the order drawn.
        title: Name of the axis.
        best: Model that is emphasized.
        width: Width in pixels.

    Returns:
        An Altair chart.
    """
    import altair as alt

    data = [{**_row(score), "tone": ACCENT if score.model == best else QUIET} for score in scores]
    base = alt.Chart(rows(data)).encode(
        y=alt.Y("model:N", sort=[score.model for score in scores], title=None),
        color=alt.Color("tone:N", scale=None),
    )
    axis = alt.X("low:Q", title=title, scale=_scale(data), axis=alt.Axis(tickCount=5))
    lines = base.mark_rule(strokeWidth=2.4).encode(x=axis, x2="high:Q")
    dots = base.mark_point(size=95, opacity=1).encode(x="value:Q")
    text = base.mark_text(align="left", dx=9, fontSize=11).encode(x="high:Q", text="shown:N")
    del width  # the same at every width
    return alt.layer(lines, dots, text).properties(height=HEIGHT * len(data))


def segment_whiskers(scores: Sequence[MetricRow], segments: Sequence[str], models: Sequence[str], title: str) -> Any:
    """One band a segment, within it one row a model.

    Args:
        scores: Figures of models and segments.
        segments: Order of the bands.
        models: Order within a band.
        title: Name of the axis.

    Returns:
        An Altair chart.
    """
    import altair as alt

    data = [{**_row(score), "segment": score.segment} for score in scores]
    base = alt.Chart(rows(data)).encode(
        y=alt.Y("segment:N", sort=list(segments), title=None, scale=alt.Scale(paddingInner=0.3)),
        yOffset=alt.YOffset("model:N", sort=list(models)),
        color=alt.Color("model:N", scale=series_scale(models), sort=list(models)),
    )
    axis = alt.X("low:Q", title=title, scale=_scale(data), axis=alt.Axis(tickCount=5))
    lines = base.mark_rule(strokeWidth=2.4).encode(x=axis, x2="high:Q")
    dots = base.mark_point(size=80, opacity=1).encode(x="value:Q")
    return alt.layer(lines, dots).properties(height=len(segments) * (22 * len(models) + 16))


def _scale(data: Sequence[dict[str, Any]]) -> Any:
    """From zero to a little beyond the last whisker, so that the figure beside it has room."""
    import altair as alt

    return alt.Scale(domain=[0, 1.1 * max(row["high"] for row in data) or 1], nice=False)


def _row(score: MetricRow) -> dict[str, Any]:
    return {
        "model": score.model,
        "value": score.value,
        "low": score.value if score.low is None else score.low,
        "high": score.value if score.high is None else score.high,
        "shown": wording.score(score.value),
    }
