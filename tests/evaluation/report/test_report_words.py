"""Numbers as people read them, and markup that escapes."""

from __future__ import annotations

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.evaluation.report import wording as w
from shopkeeper.evaluation.report.markup import Html, join, table, tag, text


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0856, "8.6 %"), (0, "0.0 %"), (1, "100.0 %"), (0.0001, "under 0.1 %"), (0.9999, "over 99.9 %"),
     (float("nan"), w.DASH)],
)  # fmt: skip
def test_percent(share: float, shown: str) -> None:
    assert w.percent(share) == shown.replace(" %", f"{w.THIN}%")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, w.DASH), (0.001, "under 0.01 s"), (0.044, "0.044 s"), (9.87, "9.9 s"), (12.4, "12 s"),
     (221, "3 min 41 s"), (7322, "2 h 2 min")],
)  # fmt: skip
def test_seconds(value: float | None, shown: str) -> None:
    assert w.seconds(value).replace(w.THIN, " ") == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, w.DASH), (0.001, "under 0.01 MB"), (0.05, "0.05 MB"), (12.3, "12 MB"), (1234, "1.2 GB")],
)
def test_megabytes(value: float | None, shown: str) -> None:
    assert w.megabytes(value).replace(w.THIN, " ") == shown


def test_other_figures() -> None:
    assert w.count(1469307) == "1,469,307"
    assert w.plural(1, "shopper") == "1 shopper"
    assert w.plural(2469, "shopper") == "2,469 shoppers"
    assert w.score(0.05271) == "0.0527"
    assert [w.score(None), w.score(float("inf"))] == [w.DASH, w.DASH]
    assert w.metric_value("popularity", 1234.4) == f"1,234{w.THIN}events"
    assert w.metric_value("revenue", 1234.5) == "1,234.50"
    assert w.times(1.44) == "1.4 times"
    assert w.times(0.444) == "0.44 times"
    assert w.times(1.01) == "about"
    assert w.metric_value("novelty", 8.12, unit=False) == "8.1"
    assert w.day(1_700_000_000_000_000) == "14 Nov 2023"
    assert w.day(2**62) == w.DASH
    assert w.metric_name("ndcg", 10) == "NDCG@10"
    assert w.metric_name("my_metric") == "My metric"
    assert w.listing(["a", "b", "c"]) == "a, b and c"
    assert w.listing([]) == ""
    assert w.sentence("all of it") == "All of it."


@given(st.text(), st.text())
def test_what_is_written_is_what_a_browser_reads(inside: str, attribute: str) -> None:
    written = tag("p", inside, title=attribute)
    opening, _, rest = written.partition(">")
    assert unescape(rest.removesuffix("</p>")) == inside
    assert "<" not in rest.removesuffix("</p>")
    assert unescape(opening.removeprefix('<p title="').removesuffix('"')) == attribute


def test_markup() -> None:
    assert text("a<b") == "a&lt;b"
    assert text(Html("<b>")) == "<b>"
    assert join(["a", Html("<br>"), 3]) == "a<br>3"
    assert tag("a", "x", class_="y", aria_label='"', title=None) == '<a class="y" aria-label="&quot;">x</a>'
    assert tag("br") == "<br>"
    assert tag("meta", name="n") == '<meta name="n">'
    found = table(["A", "B"], [["<", 1]], numeric=[1])
    assert '<td>&lt;</td><td class="num">1</td>' in found
