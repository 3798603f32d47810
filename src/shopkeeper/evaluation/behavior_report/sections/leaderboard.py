"""The leaderboard: figures with intervals, what each model costs, and how all were measured."""

from __future__ import annotations

from typing import Any

from shopkeeper.evaluation.behavior.figures import LARGER_IS_BETTER
from shopkeeper.evaluation.behavior.leaderboard import (
    COST_HEADS,
    HEADS,
    BehaviorEntry,
    BehaviorLeaderboard,
    cost_cells,
    shown_figures,
)
from shopkeeper.evaluation.behavior.rows import BehaviorRow
from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.markup import Html, join, note, strong, table, tag
from shopkeeper.evaluation.report.plots import ACCENT, QUIET, figure, rows
from shopkeeper.evaluation.report.sections.section import Section, subsection

TITLE = "Which model knows best"
PLOTTED = ("auc", "pr_auc", "rmse")


def leaderboard_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section:
    """Which model is best, and what it costs."""
    board = inputs.board
    if board is None:
        return Section("leaderboard", TITLE, note("The models were not measured in this run."))
    stamps = tag("ul", *(tag("li", words, class_="stamp") for words in board.protocol.stamps()), class_="stamps")
    shown = shown_figures(board)
    plots = [_plot(board, metric, inputs.name) for metric in PLOTTED if metric in shown]
    return Section("leaderboard", TITLE, join([stamps, *plots, _table(board, shown)]))


def row_of(entry: BehaviorEntry, metric: str) -> BehaviorRow | None:
    """A figure of a model over all examples."""
    return next((row for row in entry.evaluation.rows if row.group == "all" and row.metric == metric), None)


def _plot(board: BehaviorLeaderboard, metric: str, chosen: str) -> Html:
    found = [row for entry in board.entries if (row := row_of(entry, metric)) is not None]
    found.sort(key=lambda row: row.value, reverse=metric in LARGER_IS_BETTER)
    data = [
        {
            "model": row.model, "value": row.value, "low": row.value if row.low is None else row.low,
            "high": row.value if row.high is None else row.high, "shown": wording.score(row.value),
            "tone": ACCENT if row.model == chosen else QUIET,
        }
        for row in found
    ]  # fmt: skip

    ends = [min(row.value if row.low is None else row.low for row in found)]
    ends.append(max(row.value if row.high is None else row.high for row in found))

    def draw(width: int) -> Any:
        del width
        import altair as alt

        base = alt.Chart(rows(data)).encode(
            y=alt.Y("model:N", sort=[row.model for row in found], title=None), color=alt.Color("tone:N", scale=None)
        )
        room = (ends[1] - ends[0]) * 0.2 or 0.01
        scale = alt.Scale(domain=[ends[0] - room, ends[1] + 1.6 * room], nice=False)
        axis = alt.X("low:Q", title=HEADS[metric], scale=scale, axis=alt.Axis(tickCount=5))
        lines = base.mark_rule(strokeWidth=2.4).encode(x=axis, x2="high:Q")
        dots = base.mark_point(size=95, opacity=1).encode(x="value:Q")
        text = base.mark_text(align="left", dx=9, fontSize=11).encode(x="high:Q", text="shown:N")
        return alt.layer(lines, dots, text).properties(height=30 * len(data))

    said = f"{found[0].model} is first with {HEADS[metric]} {wording.score(found[0].value)}"
    if len(found) > 1:
        said += f", {found[1].model} second with {wording.score(found[1].value)}"
    caption = f"{said}. The line is the 95{wording.THIN}% interval over shoppers; the axis does not begin at zero."
    return subsection(HEADS[metric], figure(draw, caption, f"{HEADS[metric]} of each model with intervals"))


def _table(board: BehaviorLeaderboard, shown: list[str]) -> Html:
    head = ["Model", *(HEADS[name] for name in shown), *COST_HEADS]
    best = {}
    for name in shown:
        values = [row.value for entry in board.entries if (row := row_of(entry, name)) is not None]
        best[name] = max(values) if name in LARGER_IS_BETTER else min(values)
    body = [
        [entry.name, *(_cell(row_of(entry, name), best[name]) for name in shown), *cost_cells(entry)]
        for entry in board.entries
    ]
    said = note(
        f"Small numbers are 95{wording.THIN}% bootstrap intervals over shoppers. The best of each column is bold. "
        "Fit: seconds to learn once; peak MB: memory then; MB: size of what was learned; 1/s: predictions a second."
    )
    return subsection("All figures", table(head, body, numeric=range(1, len(head))), said)


def _cell(row: BehaviorRow | None, best: float) -> Html:
    if row is None:
        return join([wording.DASH])
    shown = f"{row.value:.4g}"
    value = strong(shown) if row.value == best else join([shown])
    if row.low is None or row.high is None:
        return value
    return join([value, tag("small", f"{row.low:.3g} {wording.DASH} {row.high:.3g}")])
