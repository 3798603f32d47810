"""Beyond accuracy: how much of the catalog is shown, how rare, how varied, how much like the bestseller list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html, join, note, table, tag
from shopkeeper.evaluation.report.plots import ACCENT, QUIET, figure, rows
from shopkeeper.evaluation.report.scores import Scores
from shopkeeper.evaluation.report.sections.leaderboard import cell
from shopkeeper.evaluation.report.sections.section import Section
from shopkeeper.evaluation.report.settings import ReportSettings


def beyond_section(inputs: ReportInputs, settings: ReportSettings) -> Section:
    """What the lists are like, whether or not they hit."""
    scores = Scores.of(inputs, settings)
    metrics = scores.catalog_metrics()
    if not metrics:
        return Section(
            "beyond", "Beyond accuracy", note("Coverage, novelty and diversity were not measured in this run.")
        )
    models = scores.models()
    head = ["Model", *(wording.metric_name(metric, scores.k) for metric in metrics)]
    body = [[model, *(cell(scores.find(model, metric)) for metric in metrics)] for model in models]
    meanings = tag("ul", *(tag("li", f"{wording.metric_name(m)}: {wording.METRIC_MEANINGS[m]}.") for m in metrics),
                   class_="meanings")  # fmt: skip
    parts = [table(head, body, numeric=range(1, len(head))), meanings]
    if "coverage" in metrics:
        parts.insert(0, _trade_off(scores))
    return Section("beyond", "Beyond accuracy", join(parts))


def _trade_off(scores: Scores) -> Html:
    import altair as alt

    pairs = [(m, scores.find(m, "coverage"), scores.find(m, scores.leading)) for m in scores.models()]
    data: list[dict[str, Any]] = [
        {"model": model, "coverage": covered.value, "hits": hits.value, "tone": ACCENT if place == 0 else QUIET}
        for place, (model, covered, hits) in enumerate(pairs)
        if covered is not None and hits is not None
    ]
    name = wording.metric_name(scores.leading, scores.k)
    widest = min(1.0, 1.4 * max((row["coverage"] for row in data), default=1.0) or 1.0)

    places = apart([(row["coverage"] / widest, row["hits"]) for row in data])
    for row, place in zip(data, places, strict=True):
        row["label"] = place

    def draw(width: int) -> Any:
        base = alt.Chart(rows(data)).encode(
            x=alt.X("coverage:Q", title="share of the catalog recommended to somebody",
                    scale=alt.Scale(domain=[0, widest]),
                    axis=alt.Axis(format="%", tickCount=5)),
            y=alt.Y("hits:Q", title=name, axis=alt.Axis(tickCount=5)),
        )  # fmt: skip
        dots = base.mark_point(size=110, opacity=1).encode(color=alt.Color("tone:N", scale=None))
        labels = base.encode(y=alt.Y("label:Q", title=name), text="model:N")
        left = labels.transform_filter(f"datum.coverage <= {0.6 * widest}").mark_text(align="left", dx=10, fontSize=11)
        right = labels.transform_filter(f"datum.coverage > {0.6 * widest}").mark_text(
            align="right", dx=-10, fontSize=11
        )
        return alt.layer(dots, left, right).properties(height=260)

    return figure(draw, _caption(data, name), f"{name} and coverage of each model")


def apart(points: Sequence[tuple[float, float]], gap: float = 0.06, near: float = 0.5) -> list[float]:
    """Heights for labels of points, moved up so that they do not cover each other.

    Args:
        points: Place across, as a share of the width, and height of each point.
        gap: Height of a label as a share of the largest height.
        near: Labels closer than this across can cover each other.

    Returns:
        The height of each label.
    """
    least = gap * max((height for _, height in points), default=0.0)
    placed: dict[int, float] = {}
    for place in sorted(range(len(points)), key=lambda place: points[place][1]):
        across, height = points[place]
        below = [top + least for other, top in placed.items() if abs(points[other][0] - across) < near]
        placed[place] = max([height, *below])
    return [placed[place] for place in range(len(points))]


def _caption(data: list[dict[str, Any]], name: str) -> str:
    if not data:
        return "No model has both figures."
    widest = max(data, key=lambda row: float(row["coverage"]))
    best = max(data, key=lambda row: float(row["hits"]))
    said = (
        f"Up is more hits, right is more of the catalog. {best['model']} hits best and shows "
        f"{wording.percent(best['coverage'])} of the catalog"
    )
    if widest is best:
        return said + ", more than any other."
    return said + f"; {widest['model']} shows most, {wording.percent(widest['coverage'])}."
