"""Some predictions one by one: what was said, what came, and the reasons, in words and as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.behavior_report.wording import chance
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.markup import Html, join, note, paragraph, tag
from shopkeeper.evaluation.report.plots import SERIES, figure, rows
from shopkeeper.evaluation.report.products import products
from shopkeeper.evaluation.report.sections.section import Section
from shopkeeper.predictors.base import Reason
from shopkeeper.predictors.occlusion import EventEffect, occlusion
from shopkeeper.predictors.wording import event_phrase, together, weight

MICROSECONDS_A_DAY = 86_400_000_000
EVENTS = 3
"""Events named of each history."""
NO_EFFECT = 0.01
ROOM = {"left": 36, "right": 8, "top": 5, "bottom": 5}
"""Browsers write long labels wider than the plot thinks."""


class Shown(NamedTuple):
    """One example.

    Attributes:
        place: Among the examples of the test.
        why: Why it is shown.
    """

    place: int
    why: str


def examples_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section | None:
    """Cards of single predictions."""
    shown = chosen(inputs, settings.examples)
    if not shown:
        return None
    asked = inputs.test.take(np.array([one.place for one in shown]))
    reasons = inputs.model.explain(asked, k=10 * settings.reasons)
    events = occlusion(inputs.model, inputs.dataset, asked) if asked.past is not None else [[] for _ in shown]
    lead = paragraph(
        "Each bar is what one fact adds to the "
        + ("amount" if inputs.amounts else "logarithm of the odds")
        + " beside the usual example: to the right it speaks for it, to the left against it."
    )
    cards = [_card(inputs, settings, *one) for one in zip(shown, reasons, events, strict=True)]
    return Section("examples", "Some predictions, and why", join([lead, *cards]))


def chosen(inputs: BehaviorReportInputs, n: int) -> list[Shown]:
    """The surest that came true, the surest that did not, the least expected that came, and further sure ones."""
    said, came = inputs.of_chosen, inputs.test.label > 0
    falling = np.argsort(-said, kind="stable")
    true, false = falling[came[falling]], falling[~came[falling]]
    if inputs.amounts:
        found = [Shown(int(place), "among the highest") for place in falling[:n]]
    else:
        found = [Shown(int(place), "the surest that came") for place in true[:1]]
        found += [Shown(int(place), "the surest that did not come") for place in false[:1]]
        found += [Shown(int(place), "the least expected that came") for place in true[-1:] if len(true) > 1]
        found += [Shown(int(place), "sure, and it came") for place in true[1:-1]]
    return found[:n]


def _card(
    inputs: BehaviorReportInputs, settings: BehaviorReportSettings, one: Shown, reasons: Sequence[Reason],
    events: Sequence[EventEffect],
) -> Html:  # fmt: skip
    test, place = inputs.test, one.place
    facts = together(reasons)[: settings.reasons]
    user = int(test.user_index[place])
    known = inputs.dataset.users.ids(np.array([user])) if user else []
    head = tag(
        "header", tag("h3", f"Shopper {known[0] if len(known) else 'without a history'}{_item(inputs, place)}"),
        tag("span", wording.day(int(test.timestamp[place]))), tag("span", one.why, class_="badge"),
    )  # fmt: skip
    told = tag("ul", *(tag("li", f"{said[0].upper()}{said[1:]}: {weight(effect)}.") for said, effect in facts))
    bars = figure(lambda width: _bars(facts, width), _caption(inputs, place), "Reasons as bars")
    body = join([paragraph(_verdict(inputs, place)), bars, told, _history(inputs, place, events)])
    return tag("article", head, body, class_="shopper reasons")


def _item(inputs: BehaviorReportInputs, place: int) -> str:
    return f" and {_titles(inputs, [int(inputs.test.item_index[place])])[0]}" if inputs.test.item_index[place] else ""


def _titles(inputs: BehaviorReportInputs, items: Sequence[int]) -> list[str]:
    ids = inputs.dataset.items.ids(np.array(items, dtype=np.int64)) if items else []
    named = products(inputs.dataset.catalog, ids)
    return [named[one].title if str(named[one].title) != str(one) else f"item {one}" for one in ids]


def _verdict(inputs: BehaviorReportInputs, place: int) -> str:
    said, label = float(inputs.of_chosen[place]), float(inputs.test.label[place])
    if inputs.amounts:
        return f"Said: {said:,.2f}. Paid: {label:,.2f}."
    came = "It came." if label > 0 else "It did not come."
    return f"The chance of {inputs.target}: {chance(said)}. {came}"


def _caption(inputs: BehaviorReportInputs, place: int) -> str:
    if inputs.amounts:
        return ""
    ratio = float(inputs.of_chosen[place]) / inputs.base_rate if inputs.base_rate else float("nan")
    shown = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"
    return f"This is {shown} times the average chance." if np.isfinite(ratio) else ""


def _bars(facts: Sequence[tuple[str, float]], width: int) -> Any:
    import altair as alt

    data = [{"fact": said, "effect": effect, "tone": SERIES[0] if effect > 0 else SERIES[1]} for said, effect in facts]
    axis = alt.Axis(labelLimit=400 if width > 500 else 170)
    return (
        alt.Chart(rows(data))
        .mark_bar(height=13)
        .encode(
            y=alt.Y("fact:N", sort=[said for said, _ in facts], title=None, axis=axis),
            x=alt.X("effect:Q", title="effect", axis=alt.Axis(tickCount=5)),
            color=alt.Color("tone:N", scale=None),
        )
        .properties(height=22 * len(data), padding=ROOM)
    )


def _history(inputs: BehaviorReportInputs, place: int, events: Sequence[EventEffect]) -> Html:
    """The events without which the model would say something else."""
    found = [one for one in events if abs(one.effect) >= NO_EFFECT][:EVENTS]
    if not found:
        return note("No single event of the history makes a difference.")
    now = int(inputs.test.timestamp[place])
    titles = _titles(inputs, [one.item_index for one in found])
    entries = []
    for one, name in zip(found, titles, strict=True):
        said = event_phrase(one.event_type, name, (now - one.timestamp) / MICROSECONDS_A_DAY)
        without = f"{one.without:,.2f}" if inputs.amounts else chance(one.without)
        entries.append(tag("li", f"{said[0].upper()}{said[1:]}: {weight(one.effect)} (without it {without})."))
    return join([tag("h4", "Events of the history that matter, each left out by itself"), tag("ul", *entries)])
