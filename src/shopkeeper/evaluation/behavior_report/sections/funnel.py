"""The funnel view, cart, purchase of the log, by kind of shopper, price and category."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from shopkeeper.data.schema import EventType
from shopkeeper.evaluation.behavior_report.funnel_counts import Funnel, funnels_of, stages_of
from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.markup import Html, join, note, paragraph, table
from shopkeeper.evaluation.report.plots import ACCENT, SHORT, figure, rows
from shopkeeper.evaluation.report.sections.section import Section, subsection

TITLE = "From looking to buying"
DONE = {EventType.VIEW: "viewed", EventType.CART: "put in the cart", EventType.PURCHASE: "bought"}
GROUPS = {"shopper": "New and returning shoppers", "price": "By price", "category": "By category"}


def funnel_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section:
    """How many pairs of shopper and item go how far, in the whole log; no model is asked."""
    stages = stages_of(inputs.dataset)
    if len(stages) < 2:
        kinds = wording.listing([DONE[stage] for stage in stages]) or "nothing of the kind"
        return Section("funnel", TITLE, note(f"The log only knows what was {kinds}, so that there is no funnel."))
    found = funnels_of(inputs.dataset, settings.categories)
    lead = paragraph(
        f"Counted are pairs of a shopper and an item that were {DONE[stages[0]]}, in the whole log. At each further "
        "stage are those that also got there. This is the log itself; no model is asked.",
        class_="meaning",
    )
    parts = [lead, _plot(found[0], stages)]
    for group, title in GROUPS.items():
        if of_group := [one for one in found if one.group == group]:
            parts.append(subsection(title, _table([found[0], *of_group], stages), _said(of_group, stages)))
    return Section("funnel", TITLE, join(parts))


def _plot(whole: Funnel, stages: Sequence[EventType]) -> Html:
    import altair as alt

    first = max(whole.counts[0], 1)
    data = [
        {"stage": DONE[stage], "n": n, "shown": f"{wording.count(n)} ({wording.percent(n / first)})"}
        for stage, n in zip(stages, whole.counts, strict=True)
    ]

    def draw(width: int) -> Any:
        del width
        base = alt.Chart(rows(data)).encode(y=alt.Y("stage:N", sort=[DONE[stage] for stage in stages], title=None))
        scale = alt.Scale(domain=[0, 1.35 * first], nice=False)
        axis = alt.Axis(tickCount=4, labelExpr=SHORT)
        bars = base.mark_bar(color=ACCENT, height=20).encode(x=alt.X("n:Q", title="pairs", scale=scale, axis=axis))
        text = base.mark_text(align="left", dx=6, fontSize=12).encode(x="n:Q", text="shown:N")
        return alt.layer(bars, text).properties(height=34 * len(data))

    last, n = DONE[stages[-1]], whole.counts[-1]
    caption = f"Of 100 pairs that were {DONE[stages[0]]}, {100 * n / first:.1f} were {last}."
    return figure(draw, caption, "Pairs at each stage")


def _table(found: Sequence[Funnel], stages: Sequence[EventType]) -> Html:
    head = ["Pairs", *(DONE[stage] for stage in stages)]
    head += [f"{DONE[after]} of those {DONE[before]}" for before, after in _steps(stages)]
    body = [
        [one.name, *(wording.count(n) for n in one.counts), *(wording.percent(share) for share in _shares(one))]
        for one in found
    ]
    return table(head, body, numeric=range(1, len(head)))


def _steps(stages: Sequence[EventType]) -> list[tuple[EventType, EventType]]:
    """Each stage and the next, and the first and the last where there is one between."""
    steps = list(pairwise(stages))
    return [*steps, (stages[0], stages[-1])] if len(steps) > 1 else steps


def _shares(one: Funnel) -> list[float]:
    counts = one.counts
    pairs = list(pairwise(counts))
    pairs += [(counts[0], counts[-1])] if len(pairs) > 1 else []
    return [after / before if before else float("nan") for before, after in pairs]


def _said(found: Sequence[Funnel], stages: Sequence[EventType]) -> Html:
    known = [one for one in found if one.counts[0]]
    most, least = (pick(known, key=lambda one: one.counts[-1] / one.counts[0]) for pick in (max, min))
    if most is least:
        return note("")
    shares = [wording.percent(one.counts[-1] / one.counts[0]) for one in (most, least)]
    return note(
        f"Of the pairs {DONE[stages[0]]}, most are {DONE[stages[-1]]} in “{most.name}” ({shares[0]}) "
        f"and fewest in “{least.name}” ({shares[1]})."
    )
