"""What counts on the whole: the mean size of the effect of each feature, and which way it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.markup import Html, join, paragraph
from shopkeeper.evaluation.report.plots import SERIES, figure, rows
from shopkeeper.evaluation.report.sections.section import Section
from shopkeeper.predictors.wording import title
from shopkeeper.types import Float32Array, Float64Array

CLEAR = 0.3
"""From this rank correlation of value and effect on, more of a feature goes one way."""
ROOM = {"left": 36, "right": 8, "top": 5, "bottom": 5}
"""Browsers write long labels wider than the plot thinks."""
FOR, AGAINST, BOTH = "more speaks for it", "more speaks against it", "it depends"


@dataclass(frozen=True)
class Importance:
    """One feature.

    Attributes:
        feature: Names of the columns that are called the same.
        title: What it is called.
        size: Mean size of its effect on the log-odds, or on the amount.
        way: Which way more of it goes.
    """

    feature: tuple[str, ...]
    title: str
    size: float
    way: str


def importance_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section:
    """Which features move what the model says."""
    found = importance_of(inputs, settings)[: settings.features]
    what = "the amount" if inputs.amounts else "the logarithm of the odds"
    meaning = paragraph(
        f"How far each feature moves {what} of {inputs.event} on average, up or down, over "
        f"{wording.count(min(settings.sample, len(inputs.test)))} examples drawn at random. "
        "An importance says what the model looks at, not what causes what.",
        class_="meaning",
    )
    return Section("importance", "What it looks at", join([meaning, _figure(found)]))


def importance_of(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> list[Importance]:
    """All features that have an effect, the strongest first; the hour of a day, two columns, is one."""
    names, values, effects = inputs.effects(settings.sample, settings.seed)
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(title(name), []).append(place)
    found = [
        Importance(
            tuple(names[place] for place in columns), said, float(np.abs(effects[:, columns].sum(axis=1)).mean()),
            _way(values[:, columns[0]], effects[:, columns[0]]) if len(columns) == 1 else BOTH,
        )
        for said, columns in places.items()
    ]  # fmt: skip
    return sorted((one for one in found if one.size > 0), key=lambda one: -one.size)


def _way(values: Float32Array, effects: Float64Array) -> str:
    """Which way more of it goes, by the rank correlation of value and effect."""
    known = np.isfinite(values)
    if known.sum() < 2 or np.ptp(values[known]) == 0 or np.ptp(effects[known]) == 0:
        return BOTH
    from scipy.stats import rankdata

    correlation = float(np.corrcoef(rankdata(values[known]), rankdata(effects[known]))[0, 1])
    return FOR if correlation >= CLEAR else AGAINST if correlation <= -CLEAR else BOTH


def _figure(found: list[Importance]) -> Html:
    import altair as alt

    data = [{"name": one.title, "size": one.size, "way": one.way} for one in found]

    def draw(width: int) -> Any:
        axis = alt.Axis(labelLimit=330 if width > 500 else 175)
        return (
            alt.Chart(rows(data))
            .mark_bar(height=14)
            .encode(
                y=alt.Y("name:N", sort=[one.title for one in found], title=None, axis=axis),
                x=alt.X("size:Q", title="mean size of the effect", axis=alt.Axis(tickCount=5)),
                color=alt.Color(
                    "way:N", scale=alt.Scale(domain=[FOR, AGAINST, BOTH], range=[SERIES[0], SERIES[1], SERIES[5]])
                ),
            )
            .properties(height=24 * len(data), padding=ROOM)
        )

    if not found:
        return paragraph("No feature has an effect.")
    ways = {FOR: "the more, the likelier", AGAINST: "the more, the less likely", BOTH: "not one way only"}
    told = [f"{one.title} ({ways[one.way]})" for one in found[:3]]
    return figure(draw, f"What counts most: {wording.listing(told)}.", "Importance of features")
