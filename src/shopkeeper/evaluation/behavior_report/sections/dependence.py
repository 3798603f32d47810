"""How what the model says goes with one feature: everything else stays, and this one is given value after value.

Partial dependence (Friedman 2001): the mean over examples at each value.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.sections.importance import importance_of
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.report.markup import Html, paragraph, tag
from shopkeeper.evaluation.report.plots import ACCENT, NARROW, rows, svg
from shopkeeper.evaluation.report.sections.section import Section
from shopkeeper.predictors.base import Predictor, Reason
from shopkeeper.predictors.wording import phrase, title
from shopkeeper.types import Float64Array

VALUES = 12
"""Values tried of each feature, quantiles of what there is."""
EXAMPLES = 300
"""Examples that each is tried on."""


def dependence_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section | None:
    """Small plots of the strongest features."""
    if settings.dependence == 0 or inputs.test.features is None:
        return None
    table = inputs.test.features
    strongest = [one.feature[0] for one in importance_of(inputs, settings) if len(one.feature) == 1]
    asked = inputs.test.take(inputs.drawn(EXAMPLES, settings.seed + 1))
    plots: list[Html] = []
    for name in strongest:
        if len(plots) == settings.dependence:
            break
        values = values_of(table, name) if name in table.names else np.zeros(0)
        if len(values) > 2:
            plots.append(_plot(name, values, partial_dependence(inputs.model, asked, name, values), inputs.amounts))
    if not plots:
        return None
    what = "mean amount" if inputs.amounts else "mean chance"
    meaning = paragraph(
        f"Each plot gives one feature value after value and leaves the others as they are: the {what} over "
        f"{len(asked)} examples. Where features go together some of these examples never occur; read them as what the "
        "model has learned, not as what would happen.",
        class_="meaning",
    )
    return Section(
        "dependence", "How it goes with the strongest", tag("div", meaning, tag("div", *plots, class_="small"))
    )


def values_of(table: FeatureTable, name: str) -> Float64Array:
    """Distinct quantiles of a feature where it is known, ascending."""
    column = table.column(name)
    known = column[np.isfinite(column)].astype(np.float64)
    if len(known) == 0:
        return known
    return np.unique(np.quantile(known, np.linspace(0.02, 0.98, VALUES), method="nearest"))


def partial_dependence(model: Predictor, asked: Examples, name: str, values: Float64Array) -> Float64Array:
    """What a model says on average with each value of a feature, float64 [values]; examples count as their weights."""
    table = asked.features
    if table is None:
        return np.full(len(values), np.nan)
    means, place = np.empty(len(values)), table.names.index(name)
    for number, value in enumerate(values):
        changed = np.array(table.values)
        changed[:, place] = value
        said = model.predict(replace(asked, features=FeatureTable(table.names, changed)))
        means[number] = np.average(said, weights=asked.weight)
    return means


def _plot(name: str, values: Float64Array, means: Float64Array, amounts: bool) -> Html:
    import altair as alt

    data = [{"x": float(x), "y": float(y)} for x, y in zip(values, means, strict=True)]
    up = alt.Axis(tickCount=4) if amounts else alt.Axis(tickCount=4, format="~%")
    wide = values.min() >= 0 and values.max() > 20 * max(float(np.median(values)), 1e-9)
    scale = alt.Scale(type="symlog") if wide else alt.Scale(zero=False)
    chart = (
        alt.Chart(rows(data))
        .mark_line(color=ACCENT, point={"size": 30, "color": ACCENT})
        .encode(
            x=alt.X("x:Q", title=None, scale=scale, axis=alt.Axis(tickCount=5, grid=False, labelOverlap=True)),
            y=alt.Y("y:Q", title=None, axis=up, scale=alt.Scale(zero=True)),
        )
        .properties(height=150)
    )
    top = int(np.argmax(means))
    said = phrase(Reason(name, float(values[top]), 0.0))
    drawn = tag("div", svg(chart, NARROW), class_="plot", role="img", aria_label=title(name))
    caption = tag("figcaption", f"Highest where {said}.", class_="meaning")
    return tag("figure", tag("h4", title(name)), drawn, caption)
