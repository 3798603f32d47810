"""Learning curves of the networks: loss, and what validation said, by epoch; a plot a model, whose losses differ."""

from __future__ import annotations

from typing import Any

from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.report.markup import Html, join, tag
from shopkeeper.evaluation.report.plots import ACCENT, NARROW, SERIES, rows, svg
from shopkeeper.evaluation.report.sections.section import Section, subsection

Point = tuple[int, float]
TITLES = {"loss": "Loss in training", "validation": "Loss on validation"}


def learning_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section | None:
    """How training went; None where no model was trained in epochs."""
    curves: dict[str, dict[str, list[Point]]] = {"loss": {}, "validation": {}}
    for name, model in inputs.predictors.items():
        result: Any = getattr(model, "training_result", None)
        for record in result.history if result is not None else ():
            curves["loss"].setdefault(name, []).append((record.epoch, record.loss))
            if record.validation is not None:  # minus the loss on validation
                curves["validation"].setdefault(name, []).append((record.epoch, -record.validation))
    parts = [
        subsection(TITLES[kind], tag("div", *(_plot(name, one, kind) for name, one in found.items()), class_="small"))
        for kind, found in curves.items()
        if found
    ]
    return Section("learning", "How training went", join(parts)) if parts else None


def _plot(name: str, points: list[Point], kind: str) -> Html:
    import altair as alt

    color = ACCENT if kind == "validation" else SERIES[1]
    chart = (
        alt.Chart(rows([{"x": x, "y": y} for x, y in points]))
        .mark_line(color=color, point={"size": 30, "color": color})
        .encode(
            x=alt.X("x:Q", title="epoch", axis=alt.Axis(format="d", tickMinStep=1, grid=False)),
            y=alt.Y("y:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)),
        )
        .properties(height=150)
    )
    epoch, value = min(points, key=lambda point: point[1])
    said = f"{'Best' if kind == 'validation' else 'Lowest'} after epoch {epoch} with {value:.4g}."
    drawn = tag("div", svg(chart, NARROW), class_="plot", role="img", aria_label=f"{TITLES[kind]} of {name} by epoch")
    return tag("figure", tag("h4", name), drawn, tag("figcaption", said, class_="meaning"))
