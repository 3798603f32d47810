"""How well models put examples in order: ROC, precision and recall, and what the best-scored part holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.behavior_report.wording import chance
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.markup import Html, join, paragraph
from shopkeeper.evaluation.report.plots import QUIET, figure, rows, series_scale
from shopkeeper.evaluation.report.sections.section import Section, subsection
from shopkeeper.metrics.classification import auc, average_precision, lift
from shopkeeper.metrics.curves import Thresholds, thinned
from shopkeeper.types import Float64Array

MOST_MODELS = 6
POINTS = 120
Curve = tuple[Float64Array, Float64Array]


def order_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section | None:
    """Whether those that the target comes of stand before the others."""
    if inputs.amounts:
        return None
    test = inputs.test
    shown = list(inputs.said)[:MOST_MODELS]
    found = {name: Thresholds.of(test.label, inputs.said[name], test.weight) for name in shown}
    parts = [
        _roc({name: one.roc() for name, one in found.items()}, inputs),
        _precision({name: one.precision_recall() for name, one in found.items()}, inputs),
        _gain({name: one.gain() for name, one in found.items()}, inputs),
    ]
    return Section("order", "How well it tells them apart", join(parts))


def _roc(curves: Mapping[str, Curve], inputs: BehaviorReportInputs) -> Html:
    value = auc(inputs.test.label, inputs.of_chosen, inputs.test.weight)
    meaning = paragraph(
        f"From the highest chance down: the share of the {inputs.noun}s with {inputs.event} that is found, against the "
        "share of the others that is taken along. The area under the curve (AUC) is the chance that one of the former "
        "stands before one of the latter; on the dashed line it is one half.",
        class_="meaning",
    )
    caption = f"{inputs.name} has an area of {wording.score(value)}."
    drawn = _figure(curves, "share of the others", "share found", caption, "ROC curve of each model", diagonal=True)
    return subsection("ROC", meaning, drawn)


def _precision(curves: Mapping[str, Curve], inputs: BehaviorReportInputs) -> Html:
    test = inputs.test
    value = average_precision(test.label, inputs.of_chosen, test.weight)
    rate = inputs.base_rate
    meaning = paragraph(
        f"How many of those taken have {inputs.event} indeed (precision), as more and more are found (recall). "
        "Precision is on a logarithmic scale; the dashed line is a model that knows nothing." + _sampled(inputs),
        class_="meaning",
    )
    caption = (
        f"{inputs.name} has an average precision of {wording.score(value)}, "
        f"{_ratio(value, rate)} the {chance(rate)} of a draw at random."
    )
    drawn = _figure(curves, "recall", "precision", caption, "Precision and recall of each model", level=rate)
    return subsection("Precision and recall", meaning, drawn)


def _gain(curves: Mapping[str, Curve], inputs: BehaviorReportInputs) -> Html:
    test = inputs.test
    at = [(share, lift(test.label, inputs.of_chosen, share, test.weight)) for share in (0.01, 0.1)]
    meaning = paragraph(
        f"Who acts on the best-scored part only finds so many of all with {inputs.event}. "
        "The higher above the dashed line, the less is needed.",
        class_="meaning",
    )
    told = [
        f"the best {wording.percent(share, 0)} hold {wording.percent(share * times)}, {times:.1f} times their share"
        for share, times in at
        if np.isfinite(times)
    ]
    caption = f"With {inputs.name}, {'; '.join(told)}."
    drawn = _figure(curves, "share acted on", "share found", caption, "Gain of each model", diagonal=True)
    return subsection("Gain and lift", meaning, drawn)


def _sampled(inputs: BehaviorReportInputs) -> str:
    """What sampling does to precision."""
    rate = inputs.test.negative_rate
    if rate == 1:
        return ""
    return (
        f" Of the {inputs.noun}s without only one in {1 / rate:,.0f} is asked: while none of them is taken precision "
        "seems perfect, and is not known well."
    )


def _powers(values: list[float]) -> list[float]:
    """Powers of ten between the smallest and the largest."""
    low, high = int(np.ceil(np.log10(min(values)))), int(np.floor(np.log10(max(values))))
    return [float(10.0**power) for power in range(low, high + 1)]


def _ratio(value: float, rate: float) -> str:
    return f"{value / rate:,.0f} times" if rate > 0 and value >= 10 * rate else f"{value / max(rate, 1e-12):.1f} times"


def _figure(
    curves: Mapping[str, Curve], x: str, y: str, caption: str, label: str, diagonal: bool = False,
    level: float | None = None,
) -> Html:  # fmt: skip
    import altair as alt

    names = list(curves)
    data: list[dict[str, Any]] = [
        {"model": name, "x": float(one), "y": float(two)}
        for name, curve in curves.items()
        for one, two in zip(*thinned(*curve, POINTS), strict=True)
        if np.isfinite(one) and np.isfinite(two) and (level is None or two > 0)
    ]
    reference = [{"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 1.0}] if diagonal else []
    if level is not None:
        reference = [{"x": 0.0, "y": level}, {"x": 1.0, "y": level}]
    up, ticks = alt.Scale(domain=[0, 1]), alt.Axis(tickCount=5)
    if level is not None:
        up = alt.Scale(type="log", nice=False)
        ticks = alt.Axis(values=_powers([level, 1.0, *(float(row["y"]) for row in data)]), format="~%")

    def draw(width: int) -> Any:
        across = alt.X("x:Q", title=x, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(tickCount=5, grid=False))
        line = alt.Chart(rows(data)).mark_line(strokeWidth=2).encode(
            x=across,
            y=alt.Y("y:Q", title=y, scale=up, axis=ticks),
            color=alt.Color("model:N", scale=series_scale(names), sort=names),
            order="x:Q",
        )  # fmt: skip
        dashed = alt.Chart(rows(reference)).mark_line(color=QUIET, strokeDash=[3, 3], strokeWidth=1)
        return alt.layer(dashed.encode(x="x:Q", y="y:Q"), line).properties(height=min(width, 380) * 0.8)

    return figure(draw, caption, label)
