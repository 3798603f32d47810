"""Learning curves of the networks: loss, and what validation said, by epoch."""

from __future__ import annotations

from typing import Any

from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.report.markup import Html, join
from shopkeeper.evaluation.report.plots import figure, rows, series_scale
from shopkeeper.evaluation.report.sections.section import Section, subsection

Point = tuple[int, float]


def learning_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section | None:
    """How training went; None where no model was trained in epochs."""
    curves: dict[str, dict[str, list[Point]]] = {"loss": {}, "validation": {}}
    for name, model in inputs.predictors.items():
        result: Any = getattr(model, "training_result", None)
        for record in result.history if result is not None else ():
            curves["loss"].setdefault(name, []).append((record.epoch, record.loss))
            if record.validation is not None:  # minus the loss on validation
                curves["validation"].setdefault(name, []).append((record.epoch, -record.validation))
    titles = {"loss": "Loss in training", "validation": "Loss on validation"}
    parts = [subsection(titles[kind], _figure(found, kind)) for kind, found in curves.items() if found]
    return Section("learning", "How training went", join(parts)) if parts else None


def _figure(found: dict[str, list[Point]], kind: str) -> Html:
    import altair as alt

    names = list(found)
    data = [{"model": name, "x": x, "y": y} for name, points in found.items() for x, y in points]

    def draw(width: int) -> Any:
        del width
        base = alt.Chart(rows(data)).encode(
            x=alt.X("x:Q", title="epoch", axis=alt.Axis(format="d", tickMinStep=1, grid=False)),
            y=alt.Y("y:Q", title="loss", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
            color=alt.Color("model:N", scale=series_scale(names), sort=names),
        )
        return alt.layer(base.mark_line(), base.mark_point(size=30, opacity=1)).properties(height=220)

    return figure(draw, _caption(found, kind), f"{kind} by epoch")


def _caption(found: dict[str, list[Point]], kind: str) -> str:
    told = []
    for name, points in found.items():
        epoch, value = min(points, key=lambda point: point[1])
        told.append(
            f"{name} {'was best' if kind == 'validation' else 'was lowest'} after epoch {epoch} with {value:.4f}"
        )
    return f"{'; '.join(told)}."
