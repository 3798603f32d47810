"""Learning curves: loss and validation metric by epoch, from the CSV that the training loop writes."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shopkeeper.errors import DataError
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html, join, note
from shopkeeper.evaluation.report.plots import ACCENT, QUIET, SERIES, figure, rows
from shopkeeper.evaluation.report.sections.section import Section, subsection
from shopkeeper.evaluation.report.settings import ReportSettings

Point = tuple[int, float]
CURVES = ("loss", "validation")
"""Columns of the log that are drawn."""


def learning_section(inputs: ReportInputs, settings: ReportSettings) -> Section:
    """Loss and validation metric by epoch."""
    return Section("learning", "How training went", _body(inputs))


def _body(inputs: ReportInputs) -> Html:
    if inputs.learning_curve:
        curves = curves_of(inputs.learning_curve)
    elif inputs.training_log is not None:
        curves = read_log(inputs.training_log)
    else:
        return note("The model of this page was not trained in epochs, so there is no learning curve.")
    parts = []
    if loss := curves["loss"]:
        parts.append(subsection("Training loss", _figure(loss, "loss", SERIES[1], loss_caption(loss), best=None)))
    if metric := curves["validation"]:
        best = max(metric, key=lambda point: point[1])
        drawn = _figure(metric, "validation NDCG@10", ACCENT, metric_caption(metric), best)
        parts.append(subsection("Validation NDCG@10", drawn))
    return join(parts) if parts else note("The training log holds no finished epoch.")


def read_log(file: Path) -> dict[str, list[Point]]:
    """Reads the curves of a training log.

    Args:
        file: CSV with the columns ``epoch``, ``loss`` and ``validation`` (NDCG@10), as the training loop writes it;
            cells are empty where an epoch was not validated.

    Returns:
        Points (epoch, value) under ``"loss"`` and ``"validation"``, one an epoch, the last row of an epoch counts.

    Raises:
        DataError: The file cannot be read or has no column ``epoch``.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            table = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the training log {file} cannot be read", got=str(error)) from error
    if table and "epoch" not in table[0]:
        raise DataError(f"{file} is no training log", expected="a column epoch", got=", ".join(table[0]))
    return curves_of(table)


def curves_of(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Point]]:
    """The curves of records with ``epoch``, ``loss`` and ``validation``, numbers or their text; as `read_log` gives."""
    curves: dict[str, list[Point]] = {}
    for name in CURVES:
        points = {}
        for record in records:
            epoch, value = _number(record["epoch"]), _number(record.get(name))
            if epoch is not None and value is not None:
                points[int(epoch)] = value
        curves[name] = sorted(points.items())
    return curves


def loss_caption(points: Sequence[Point]) -> str:
    """What the loss did, in a sentence."""
    (first, start), (last, end) = points[0], points[-1]
    if first == last:
        return f"After one epoch the loss is {end:.3f}."
    moved = "fell" if end < start else "rose"
    return f"The loss {moved} from {start:.3f} after epoch {first} to {end:.3f} after epoch {last}."


def metric_caption(points: Sequence[Point]) -> str:
    """Where the validation metric was best, in a sentence."""
    best, value = max(points, key=lambda point: point[1])
    last = points[-1][0]
    if best == last:
        return (
            f"Validation NDCG@10 was best at the last epoch validated ({best}) with {wording.score(value)}: "
            "longer training may still help."
        )
    return (
        f"Validation NDCG@10 was best after epoch {best} with {wording.score(value)} "
        f"and {wording.score(points[-1][1])} at the end (epoch {last})."
    )


def _figure(points: Sequence[Point], title: str, color: str, caption: str, best: Point | None) -> Html:
    import altair as alt

    data = [{"epoch": epoch, "value": value} for epoch, value in points]

    def draw(width: int) -> Any:
        base = alt.Chart(rows(data)).encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(format="d", tickMinStep=1, grid=False)),
            y=alt.Y("value:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
        )
        layers = [base.mark_line(color=color), base.mark_point(color=color, size=34, opacity=1)]
        if best is not None:
            rule = alt.Chart(rows([{"epoch": best[0]}])).mark_rule(color=QUIET, strokeDash=[3, 3])
            layers.insert(0, rule.encode(x="epoch:Q"))
        return alt.layer(*layers).properties(height=220)

    return figure(draw, caption, f"{title} by epoch")


def _number(cell: str | float | None) -> float | None:
    try:
        value = float("nan" if cell is None else cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
