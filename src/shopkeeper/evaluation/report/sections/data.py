"""Data at a glance: events over time, how much shoppers do, how popular items are, what was rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shopkeeper.data.cleaning.reasons import Reason
from shopkeeper.data.dataset import Dataset
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html, join, note, tag
from shopkeeper.evaluation.report.plots import ACCENT, SERIES, SHORT, figure, rows, series_scale
from shopkeeper.evaluation.report.sections.section import Section, subsection
from shopkeeper.evaluation.report.settings import ReportSettings
from shopkeeper.evaluation.report.summary import (
    BIN_DAYS,
    MICROSECONDS_A_DAY,
    Timeline,
    log_histogram,
    quantiles,
    rank_curve,
    share_of_top,
    timeline,
)
from shopkeeper.types import Int64Array

REASONS = {reason.value: reason.explanation for reason in Reason}
"""What each reason of preparation means, for people."""


def data_section(inputs: ReportInputs, settings: ReportSettings) -> Section:
    """What the log holds, in four plots."""
    return Section("data", "The data at a glance", join(_parts(inputs)))


def _parts(inputs: ReportInputs) -> list[Html]:
    over_time = timeline(inputs.dataset.histories)
    if over_time is None:
        return [note("The log holds no event.")]
    parts = [
        subsection("Events over time", events_figure(over_time)),
        subsection("How much each shopper does", shoppers_figure(inputs.dataset)),
        subsection("How popular each item is", items_figure(inputs.dataset.item_counts()[1:])),
    ]
    if inputs.rejected is None:
        parts.append(note("It is not known which rows preparation rejected."))
    elif not any(inputs.rejected.values()):
        parts.append(note("Preparation rejected no row."))
    else:
        parts.append(subsection("Rows set aside", rejected_figure(inputs.rejected, inputs.dataset.n_events)))
    return parts


def events_figure(over_time: Timeline) -> Html:
    """Stacked bars of events by type over time, and the busiest bin in words."""
    import altair as alt

    names = [str(event_type) for event_type in over_time.types]
    data = [
        {"start": int(start) // 1000, "type": name, "events": int(number)}
        for start, row in zip(over_time.starts, over_time.counts, strict=True)
        for name, number in zip(names, row, strict=True)
    ]
    n_bins = len(over_time.starts)

    def draw(width: int) -> Any:
        color = alt.Color("type:N", scale=series_scale(names), sort=names, legend=alt.Legend() if names[1:] else None)
        bar = max(1.5, (width - 80) / n_bins * 0.78)
        return (
            alt.Chart(rows(data))
            .mark_bar(size=bar)
            .encode(
                x=alt.X("start:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(grid=False, tickCount=6)),
                y=alt.Y(
                    "events:Q", title=f"events a {over_time.bin_name}", axis=alt.Axis(tickCount=5, labelExpr=SHORT)
                ),
                color=color,
                order=alt.Order("type:N"),
            )
            .properties(height=230)
        )

    totals = over_time.counts.sum(axis=1)
    busiest = int(totals.argmax())
    kinds = over_time.counts.sum(axis=0)
    said = [f"{wording.percent(kinds[place] / kinds.sum())} {names[place]}" for place in np.argsort(-kinds)]
    shares = wording.listing(said) if said[1:] else f"all of type {names[0]}"
    caption = (
        f"{wording.plural(int(totals.sum()), 'event')} from {wording.day(over_time.first)} to "
        f"{wording.day(over_time.last)}: {shares}. The busiest {over_time.bin_name} began on "
        f"{wording.day(int(over_time.starts[busiest]))} with {wording.plural(int(totals[busiest]), 'event')}."
        f"{_unfinished(over_time)}"
    )
    return figure(draw, caption, "Events over time by type")


def _unfinished(over_time: Timeline) -> str:
    """Says so where the last bar is lower since the log ends within it."""
    days = (over_time.last - int(over_time.starts[-1])) // MICROSECONDS_A_DAY + 1
    return f" The log ends within the last {over_time.bin_name}." if days < BIN_DAYS[over_time.bin_name] else ""


def shoppers_figure(dataset: Dataset) -> Html:
    """Histogram of events a shopper in doubling bins, and the median in words."""
    import altair as alt

    lengths = dataset.histories.lengths
    low, high, number = log_histogram(lengths)
    data = [
        {"bin": f"{a:,}" if a == b else f"{a:,}{wording.DASH}{b:,}", "place": place, "shoppers": int(n)}
        for place, (a, b, n) in enumerate(zip(low, high, number, strict=True))
    ]
    order = [str(row["bin"]) for row in data]

    def draw(width: int) -> Any:
        base = alt.Chart(rows(data)).encode(
            x=alt.X(
                "bin:O",
                sort=order,
                title="events of a shopper",
                axis=alt.Axis(labelAngle=0 if len(order) * 80 < width else -50),
            ),
            y=alt.Y("shoppers:Q", title="shoppers", axis=alt.Axis(tickCount=5, labelExpr=SHORT)),
        )
        labels = base.mark_text(dy=-7, fontSize=11).encode(text=alt.Text("shoppers:Q", format=",d"))
        bars = base.mark_bar(color=ACCENT, cornerRadiusTopLeft=3, cornerRadiusTopRight=3)
        return alt.layer(bars, labels).properties(height=210)

    median, ninetieth = quantiles(lengths)
    caption = (
        f"Half of the {wording.plural(len(lengths), 'shopper')} have at most {wording.plural(int(median), 'event')}; "
        f"one in ten has {wording.count(ninetieth)} or more. Each bar spans twice the range of the one before."
    )
    return figure(draw, caption, "Histogram of events a shopper")


def items_figure(counts: Int64Array) -> Html:
    """Events by rank of the item on log scales, and the share of the top tenth in words."""
    import altair as alt

    ranks, events = rank_curve(counts)
    data = [{"rank": int(rank), "events": int(number)} for rank, number in zip(ranks, events, strict=True)]

    def powers(last: int) -> alt.Axis:
        return alt.Axis(values=[10**power for power in range(len(str(last)))], labelExpr=SHORT)

    def draw(width: int) -> Any:
        base = alt.Chart(rows(data)).encode(
            x=alt.X("rank:Q", scale=alt.Scale(type="log", nice=False), title="rank of the item, most popular first",
                    axis=powers(int(ranks.max(initial=1)))),
            y=alt.Y("events:Q", scale=alt.Scale(type="log", domainMin=1), title="events", stack=None,
                    axis=powers(int(events.max(initial=1)))),
        )  # fmt: skip
        area = base.mark_area(color=SERIES[0], opacity=0.16).encode(y2=alt.Y2Datum(1))
        return alt.layer(area, base.mark_line(color=ACCENT)).properties(height=230)

    used = counts[counts > 0]
    caption = (
        f"The most popular tenth of the {wording.plural(len(used), 'item')} gets "
        f"{wording.percent(share_of_top(counts))} of all events; "
        f"half of the items have at most {wording.plural(int(np.median(used)), 'event')}. "
        "Both axes are logarithmic: a straight line is the long tail that most shops have."
    )
    return figure(draw, caption, "Events of each item by rank, both axes logarithmic")


def rejected_figure(rejected: Mapping[str, int], n_kept: int) -> Html:
    """Bars of rejected rows by reason, and their share in words."""
    import altair as alt

    reasons = sorted((item for item in rejected.items() if item[1] > 0), key=lambda item: -item[1])
    names = [wording.words(name) for name, _ in reasons]
    data = [{"reason": name, "rows": number} for name, (_, number) in zip(names, reasons, strict=True)]
    most = reasons[0][1]
    total = sum(number for _, number in reasons)

    def draw(width: int) -> Any:
        base = alt.Chart(rows(data)).encode(
            y=alt.Y("reason:N", sort=names, title=None),
            x=alt.X(
                "rows:Q",
                title="rows",
                axis=alt.Axis(tickCount=4, labelExpr=SHORT),
                scale=alt.Scale(domain=[0, 1.2 * most], nice=False),
            ),
        )
        text = base.mark_text(align="left", dx=6, fontSize=11).encode(text=alt.Text("rows:Q", format=",d"))
        return alt.layer(base.mark_bar(color=ACCENT, cornerRadiusEnd=3), text).properties(height=30 * len(data))

    caption = (
        f"Preparation set {wording.plural(total, 'row')} aside, {wording.percent(total / (total + n_kept))} of "
        f"what came; most of them for the reason “{names[0]}” ({wording.count(most)}). "
        "All of them are kept in rejected.parquet with their reason."
    )
    known = [(name, REASONS[key]) for name, (key, _) in zip(names, reasons, strict=True) if key in REASONS]
    meanings = tag("ul", *(tag("li", f"{name}: {meaning}") for name, meaning in known), class_="meanings")
    return join([figure(draw, caption, "Rejected rows by reason"), meanings if known else Html()])
