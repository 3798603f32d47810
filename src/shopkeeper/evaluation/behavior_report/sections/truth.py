"""Whether chances are true: of pairs with a chance of 3 % three in a hundred, for each kind of pair and behavior."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.evaluation.behavior.segments import segments_of
from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.behavior_report.wording import chance
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.markup import Html, join, note, paragraph, table
from shopkeeper.evaluation.report.plots import ACCENT, QUIET, figure, rows
from shopkeeper.evaluation.report.sections.section import Section, subsection
from shopkeeper.metrics.classification import calibration_error
from shopkeeper.types import BoolArray, Float32Array, Float64Array

BINS = 10
Z = 1.96
RARE = 0.03
FEW = 10
"""A bin holds at least so many positives."""
GROUPS = {
    "shopper events": "By how many events the shopper had before",
    "before": "By what had happened between shopper and item",
    "behavior": "By behavior",
}


@dataclass(frozen=True)
class Bin:
    """Examples of similar chances.

    Attributes:
        name: Of the kind.
        said: Mean chance.
        came: Share that the target came of.
        low: Lower end of its 95 % interval.
        high: Upper end.
        n_positives: How many it came of.
        pairs: How many pairs the examples stand for.
    """

    name: str
    said: float
    came: float
    low: float
    high: float
    n_positives: int
    pairs: float


def truth_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section:
    """How true what the chosen model says is."""
    if inputs.amounts:
        return Section("truth", "How true the amounts are", _amounts(inputs))
    parts = [_overall(inputs)]
    for group, bins in _groups(inputs):
        parts.append(_group(group, bins, inputs.noun))
    return Section("truth", "How true the chances are", join(parts))


def bins_of(label: Float32Array, said: Float64Array, weight: Float64Array, bins: int = BINS) -> list[Bin]:
    """Bins with equally many positives, the lowest chances first.

    Args:
        label: float32 [n].
        said: float64 [n].
        weight: float64 [n].
        bins: At most so many; fewer where positives are few.
    """
    order = np.argsort(said, kind="stable")
    came = np.cumsum(label[order] > 0)
    n = int(came[-1]) if len(came) else 0
    count = max(1, min(bins, n // FEW))
    number = np.minimum((np.maximum(came - 1, 0) * count) // max(n, 1), count - 1)
    most = float(weight.max())
    return [_bin("", label[order][inside], said[order][inside], weight[order][inside], most)
            for place in range(count) if (inside := number == place).any()]  # fmt: skip


def _bin(name: str, label: Float32Array, said: Float64Array, weight: Float64Array, per_other: float) -> Bin:
    """One bin. Both counts move its share: of those with the target, and of the sampled ones without.

    Args:
        name: Of the bin.
        label: float32 [n].
        said: float64 [n].
        weight: float64 [n].
        per_other: How many a sampled example stands for.
    """
    came, sampled = label > 0, (label <= 0) & (weight >= per_other)
    n, m = int(came.sum()), int(sampled.sum())
    certain = float(weight[~came & ~sampled].sum())
    a, b = 1 / (n + 0.5) ** 0.5, (m + 0.5) ** 0.5 * per_other / (certain + (m + 0.5) * per_other)
    of_n, of_m = (Z * part / (a * a + b * b) ** 0.5 for part in (a, b))
    least, most = _count_ends(n, of_n)
    fewest, largest = (certain + end * per_other for end in _count_ends(m, of_m))
    share, mean = float(np.average(came, weights=weight)), float(np.average(said, weights=weight))
    high = most / (most + fewest) if most + fewest else 1.0
    return Bin(name, mean, share, least / (least + largest), high, n, float(weight.sum()))


def _count_ends(n: int, z: float) -> tuple[float, float]:
    """The score interval of a Poisson count of n."""
    middle, reach = n + z * z / 2, z * (n + z * z / 4) ** 0.5
    return max(0.0, middle - reach), middle + reach


def _overall(inputs: BehaviorReportInputs) -> Html:
    test = inputs.test
    bins = bins_of(test.label, inputs.of_chosen, test.weight)
    error = calibration_error(test.label, inputs.of_chosen, test.weight)
    caption = (
        f"{inputs.name}: the chances are off by {chance(error)} on average (expected calibration error), "
        f"where {chance(inputs.base_rate)} of all {inputs.noun}s have {inputs.event}. "
        "Each dot stands for equally many of these."
    )
    scales = "Both scales are logarithmic; l" if _is_rare(bins) else "L"
    meaning = paragraph(
        "On the dashed line what was said and what came are the same; above it the model says too little, "
        f"below it too much. {scales}ines are 95{wording.THIN}% intervals.",
        class_="meaning",
    )
    return subsection("Said and come", meaning, figure(lambda width: _reliability(bins, width), caption, "Reliability"))


def _is_rare(bins: Sequence[Bin]) -> bool:
    """Whether chances are so small that only a logarithmic scale tells them apart."""
    return min(one.said for one in bins) < RARE


def _reliability(bins: Sequence[Bin], width: int) -> Any:
    import altair as alt

    data = [vars(one) for one in bins if one.said > 0 and one.came > 0]
    ends = [value for one in bins for value in (one.said, one.low, one.high) if value > 0] or [0.001, 1.0]
    low, high = min(ends) / 1.3, max(ends) * 1.3
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    if not _is_rare(bins):
        low, high = 0.0, 1.0
        scale = alt.Scale(domain=[low, high])
    axis = alt.Axis(tickCount=4, format="~%", grid=False)
    base = alt.Chart(rows(data)).encode(x=alt.X("said:Q", title="said", scale=scale, axis=axis))
    up = alt.Y("low:Q", title="came", scale=scale, axis=alt.Axis(tickCount=4, format="~%"))
    lines = base.mark_rule(color=ACCENT, strokeWidth=2).encode(y=up, y2="high:Q")
    dots = base.mark_point(color=ACCENT, size=70, opacity=1).encode(y="came:Q")
    same = alt.Chart(rows([{"x": low, "y": low}, {"x": high, "y": high}]))
    dashed = same.mark_line(color=QUIET, strokeDash=[3, 3], strokeWidth=1).encode(x="x:Q", y="y:Q")
    return alt.layer(dashed, lines, dots).properties(height=min(width, 380) * 0.85)


def _groups(inputs: BehaviorReportInputs) -> Iterator[tuple[str, list[Bin]]]:
    """Bins by kind of shopper and pair, and by behavior of a model of several."""
    test, said = inputs.test, inputs.of_chosen
    most = float(test.weight.max())
    found: dict[str, list[tuple[str, BoolArray]]] = {}
    for group, segment, inside in segments_of(test):
        found.setdefault(group, []).append((segment, inside))
    for group, segments in found.items():
        yield group, [_bin(name, test.label[one], said[one], test.weight[one], most) for name, one in segments]
    answer: Any = getattr(inputs.model, "predict_behaviors", None)
    if answer is not None and test.labels is not None and inputs.model.several:
        chances = answer(test)
        columns = enumerate(test.behaviors)
        yield "behavior", [_bin(name, test.labels[:, at], chances[:, at], test.weight, most) for at, name in columns]


def _group(group: str, bins: list[Bin], noun: str) -> Html:
    head = ["", f"{noun}s", "with the target", "said", "came", "came, 95 %"]
    body = [
        [
            one.name, wording.count(one.pairs), wording.count(one.n_positives), chance(one.said),
            chance(one.came),
            f"{chance(one.low)} {wording.DASH} {chance(one.high)}",
        ]
        for one in bins
    ]  # fmt: skip
    off = [one for one in bins if one.n_positives >= FEW and not one.low <= one.said <= one.high]
    if off:
        told = [f"“{one.name}” ({'too little' if one.said < one.came else 'too much'})" for one in off]
        said = f"What is said lies outside of the interval for {wording.listing(told)}."
    else:
        said = "What is said lies within the interval wherever there is enough to tell."
    return subsection(GROUPS.get(group, group), table(head, body, numeric=range(1, len(head))), note(said))


def _amounts(inputs: BehaviorReportInputs) -> Html:
    """Mean amounts said and paid, by tenths of what was said."""
    test, order = inputs.test, np.argsort(inputs.of_chosen, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    head = ["tenth by what was said", "examples", "said on average", "paid on average"]
    body = [
        [str(place + 1), wording.count(len(part)), f"{inputs.of_chosen[part].mean():,.2f}",
         f"{test.label[part].mean():,.2f}"]
        for place, part in enumerate(parts)
    ]  # fmt: skip
    return table(head, body, numeric=range(1, len(head)))
