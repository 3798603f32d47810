"""What comes of acting on the chances at the costs that were chosen: right and wrong decisions, and what they cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.behavior_report.wording import chance
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.markup import Html, join, note, paragraph, table
from shopkeeper.evaluation.report.plots import QUIET, figure, rows
from shopkeeper.evaluation.report.sections.section import Section, subsection
from shopkeeper.metrics.curves import Thresholds
from shopkeeper.types import Float64Array

POINTS = 60
Z = 1.96
HIGHEST = 2.0
"""Costs above so many times those of acting on nobody, or on everybody, are not drawn."""


def decision_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section | None:
    """Acting from a chance on, told in pairs and in costs."""
    if inputs.amounts:
        return None
    test = inputs.test
    found = Thresholds.of(test.label, inputs.of_chosen, test.weight)
    costs = costs_of(found, settings)
    at = int((found.threshold >= settings.threshold).sum()) - 1
    return Section("decision", "What acting on it would cost", join([
        _lead(settings), _confusion(inputs, found, at, settings), _summary(inputs, found, costs, at, settings),
        _curve(inputs, found, costs, settings),
    ]))  # fmt: skip


def costs_of(found: Thresholds, settings: BehaviorReportSettings) -> Float64Array:
    """What acting from each threshold on costs, float64 [m]: false alarms and misses."""
    missed = found.positive[-1] - found.positive
    costs: Float64Array = found.negative * settings.cost_of_false_alarm + missed * settings.cost_of_miss
    return costs


def _lead(settings: BehaviorReportSettings) -> Html:
    return paragraph(
        f"A false alarm is taken to cost {settings.cost_of_false_alarm:g}, a miss {settings.cost_of_miss:g}. "
        f"If chances are true it is then cheapest to act from a chance of {wording.percent(settings.threshold)} on: "
        f"{settings.cost_of_false_alarm:g} / ({settings.cost_of_false_alarm:g} + {settings.cost_of_miss:g})."
    )


def _confusion(inputs: BehaviorReportInputs, found: Thresholds, at: int, settings: BehaviorReportSettings) -> Html:
    hit, alarm = found.positive[at], found.negative[at]
    miss, right = found.positive[-1] - hit, found.negative[-1] - alarm
    head = [f"{inputs.noun}s", f"{inputs.event} came", "it did not come"]
    body = [
        ["acted on", wording.count(hit), f"{wording.count(alarm)} (false alarms)"],
        ["left alone", f"{wording.count(miss)} (misses)", wording.count(right)],
    ]
    told = []
    if hit + alarm:
        told.append(f"Of those acted on {wording.percent(hit / (hit + alarm))} have {inputs.event}")
    if hit + miss:
        told.append(f"{wording.percent(hit / (hit + miss))} of all with {inputs.event} are found")
    said = note(f"{'; '.join(told)}." if told else "", _estimated(inputs, settings.threshold))
    return subsection("Right and wrong", table(head, body, numeric=(1, 2)), said)


def _estimated(inputs: BehaviorReportInputs, threshold: float) -> str:
    """How well the number of false alarms is known, from a sample of those without the target."""
    test, rate = inputs.test, inputs.test.negative_rate
    if rate == 1:
        return ""
    alarms = (inputs.of_chosen >= threshold) & (test.label <= 0)
    n, certain = int((alarms & ~test.kept).sum()), int((alarms & test.kept).sum())
    most = certain + (n + Z**2 / 2 + Z * (n + Z**2 / 4) ** 0.5) / rate
    return (
        f" Of those without, one in {1 / rate:,.0f} was asked and counts for all of them: the false alarms rest on "
        f"{wording.plural(n + certain, 'example')} and may be up to {wording.count(most)}."
    )


def _cost(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _summary(
    inputs: BehaviorReportInputs, found: Thresholds, costs: Float64Array, at: int, settings: BehaviorReportSettings
) -> Html:
    pairs = found.positive[-1] + found.negative[-1]
    best = int(np.argmin(costs))
    ways = [
        ("act on nobody", costs[0]), ("act on everybody", costs[-1]),
        (f"act from {wording.percent(settings.threshold)} on, as the chances say", costs[at]),
        (f"act from {_threshold(found, best)} on, the best in hindsight", costs[best]),
    ]  # fmt: skip
    body = [[name, _cost(1000 * cost / pairs)] for name, cost in ways]
    saved = 1 - costs[at] / min(costs[0], costs[-1]) if min(costs[0], costs[-1]) > 0 else 0.0
    said = (
        f"{inputs.name} costs {wording.percent(saved)} less than the better of acting on nobody and on everybody."
        if saved > 0
        else "At these costs the model saves nothing beside the better of acting on nobody and on everybody."
    )
    return subsection("What it costs", table(["", f"cost of 1,000 {inputs.noun}s"], body, numeric=(1,)), note(said))


def _threshold(found: Thresholds, place: int) -> str:
    value = float(found.threshold[place])
    return "above all chances" if not np.isfinite(value) else chance(value)


def _curve(
    inputs: BehaviorReportInputs, found: Thresholds, costs: Float64Array, settings: BehaviorReportSettings
) -> Html:
    import altair as alt

    pairs = found.positive[-1] + found.negative[-1]
    known = np.flatnonzero(np.isfinite(found.threshold) & (found.threshold > 0))
    if len(known) < 2:
        return Html()
    marks = np.geomspace(float(found.threshold[known[0]]), float(found.threshold[known[-1]]), POINTS)
    places = [int((found.threshold >= mark).sum()) - 1 for mark in marks]
    seen = HIGHEST * min(costs[0], costs[-1])
    data = [
        {"x": float(x), "y": float(1000 * costs[at] / pairs)}
        for x, at in zip(marks, places, strict=True)
        if costs[at] <= seen
    ]
    if len(data) < 2:
        return Html()

    def draw(width: int) -> Any:
        line = alt.Chart(rows(data)).mark_line().encode(
            x=alt.X("x:Q", title="act from this chance on", scale=alt.Scale(type="log", nice=False),
                    axis=alt.Axis(tickCount=5, format="~%", grid=False)),
            y=alt.Y("y:Q", title=f"cost of 1,000 {inputs.noun}s", axis=alt.Axis(tickCount=5)),
        )  # fmt: skip
        rule = alt.Chart(rows([{"x": settings.threshold}])).mark_rule(color=QUIET, strokeDash=[3, 3])
        layers = [line]
        if data[-1]["x"] <= settings.threshold <= data[0]["x"]:
            layers.insert(0, rule.encode(x="x:Q"))
        return alt.layer(*layers).properties(height=220)

    caption = f"The dashed line is {wording.percent(settings.threshold)}, where true chances make it cheapest."
    return figure(draw, caption, "Cost by the chance from which on one acts")
