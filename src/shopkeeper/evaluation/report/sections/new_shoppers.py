"""What each further event of a shopper is worth: the same shoppers, with histories cut short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shopkeeper.evaluation.event_curve import ALL, CURVE
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import join, note, table
from shopkeeper.evaluation.report.plots import figure, rows, series_scale
from shopkeeper.evaluation.report.scores import Scores
from shopkeeper.evaluation.report.sections.leaderboard import cell_of
from shopkeeper.evaluation.report.sections.section import Section
from shopkeeper.evaluation.report.settings import ReportSettings
from shopkeeper.evaluation.rows import MetricRow

TITLE = "New shoppers: what each event is worth"


def new_shoppers_section(inputs: ReportInputs, settings: ReportSettings) -> Section:
    """Quality against the number of events that were known."""
    scores = Scores(inputs.curve, settings.metrics[0], settings.k)
    metric = next((name for name in settings.metrics if any(row.metric == name for row in inputs.curve)), None)
    segments = scores.segments(CURVE)
    models = _models(inputs.curve, metric, settings.k)
    if metric is None or not models:
        return Section("new-shoppers", TITLE, note("No shopper was asked with a shorter history in this run."))
    name = wording.metric_name(metric, settings.k)
    found = [row for row in inputs.curve if (row.metric, row.k) == (metric, settings.k)]
    drawn = figure(
        lambda _: _chart(found, segments, models, name), _caption(found, models[0], name), f"{name} by events"
    )
    head = ["Model", *(_heading(segment) for segment in segments)]
    body = [
        [model, *(cell_of(scores.find(model, metric, group=CURVE, segment=s)) for s in segments)] for model in models
    ]
    return Section("new-shoppers", TITLE, join([drawn, table(head, body, numeric=range(1, len(head)))]))


def _models(curve: Sequence[MetricRow], metric: str | None, k: int) -> list[str]:
    """Best first, by the whole history."""
    whole = [row for row in curve if (row.metric, row.k, row.segment) == (metric, k, ALL)]
    return [row.model for row in sorted(whole, key=lambda row: -row.value)]


def _heading(segment: str) -> str:
    return "all events" if segment == ALL else wording.plural(int(segment), "event")


def _chart(found: Sequence[MetricRow], segments: Sequence[str], models: Sequence[str], name: str) -> Any:
    import altair as alt

    data = [
        {"model": row.model, "events": row.segment, "value": row.value,
         "low": row.value if row.low is None else row.low, "high": row.value if row.high is None else row.high}
        for row in found
    ]  # fmt: skip
    base = alt.Chart(rows(data)).encode(
        x=alt.X("events:N", sort=list(segments), title="last events known",
                axis=alt.Axis(labelAngle=0, grid=False), scale=alt.Scale(type="point", padding=0.3)),
        color=alt.Color("model:N", scale=series_scale(models), sort=list(models), legend=alt.Legend(symbolOpacity=1)),
    )  # fmt: skip
    axis = alt.Y("value:Q", title=name, axis=alt.Axis(tickCount=5), scale=alt.Scale(domainMin=0))
    band = base.mark_area(opacity=0.14).encode(y=alt.Y("low:Q", title=name), y2="high:Q")
    lines = base.mark_line().encode(y=axis)
    dots = base.mark_point(size=50, opacity=1).encode(y=axis)
    return alt.layer(band, lines, dots).properties(height=260)


def _caption(found: Sequence[MetricRow], model: str, name: str) -> str:
    own = {row.segment: row.value for row in found if row.model == model}
    shoppers = next(row.n_users for row in found if row.model == model)
    said = (
        f"The same {wording.plural(shoppers, 'shopper')} at every point, asked as strangers; shades are 95 % "
        f"intervals. {model} reaches {name} {wording.score(own[ALL])} with all that is known"
    )
    if own.get("1") and own[ALL] > 0:
        said += f" and {wording.percent(own['1'] / own[ALL], 0)} of that with one event"
    if "0" in own and own[ALL] > 0:
        said += f", {wording.percent(own['0'] / own[ALL], 0)} with none"
    return said + "."
