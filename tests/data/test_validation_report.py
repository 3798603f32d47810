"""The report as JSON, text and page; and what the data unlock."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.cutoffs import Cutoffs
from shopkeeper.data.events import Events
from shopkeeper.data.examples.enough import Counted
from shopkeeper.data.schema import INTEREST_TYPES
from shopkeeper.data.validation.findings import Finding, Severity
from shopkeeper.data.validation.report import sorted_findings
from shopkeeper.data.validation.spread import Spread
from shopkeeper.data.validation.unlocks import Measures, unlocks
from shopkeeper.data.validation.validate import validate

EVIL = "<script>alert('x')</script>\"&"


@pytest.fixture(scope="module")
def report():
    table = pa.table({
        "user_id": ["a", EVIL, None], "item_id": ["x", EVIL, EVIL], "event_type": ["view", EVIL, "cart"],
        "timestamp": ["2024-01-01", EVIL, "2024-01-02T10:00:00"], EVIL: [1, 2, 3],
    })  # fmt: skip
    catalog = Catalog.read(pa.table({"item_id": ["x", "y"], "title": [EVIL, "B"]}))
    return replace(validate(Events.read(table), catalog), source=EVIL)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag != "rect":
            assert self.open.pop() == tag


def test_the_page_is_whole_and_escapes_everything(report):
    page = report.to_html()
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert "script" not in {tag for tag, _ in tags.seen}
    assert not any(name.startswith("on") for _, attributes in tags.seen for name in attributes)
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_the_page_loads_nothing_from_outside(report):
    page = report.to_html()
    assert not re.search(r"(src|href)\s*=|@import|url\(|https?://", page)


def test_the_page_shows_findings_with_examples_and_remedy(report):
    page = report.to_html()
    for finding in report.findings:
        assert finding.code
        assert "remedy" in page
    assert "no shopper is named" in page
    assert "<td>cart</td>" in page


def test_json_is_plain_and_stable(report):
    payload = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert payload["schema_version"] == 1
    assert list(payload) == [
        "schema_version", "source", "overview", "columns", "event_types", "words", "missing", "findings", "unlocks",
        "activity",
    ]  # fmt: skip
    assert list(payload["findings"][0]) == [
        "code", "severity", "title", "count", "unit", "share", "remedy", "examples", "details",
    ]  # fmt: skip
    assert payload["words"][0].keys() == {"word", "rows", "meaning"}
    assert payload["activity"]["days"] == [["2024-01-01", 1], ["2024-01-02", 1]]
    assert len(payload["activity"]["hours"]) == 24


def test_text_has_a_line_for_each_finding(report):
    lines = report.to_text()
    for finding in report.findings:
        assert any(finding.title in line for line in lines)
    assert any(line.strip().startswith("no") and "SASRec" in line for line in lines)


def test_findings_stand_worst_first():
    def finding(code, severity, count):
        return Finding(code, severity, "", count, "")

    given = [
        finding("a", Severity.INFO, 9), finding("b", Severity.ERROR, 1), finding("d", Severity.WARNING, 5),
        finding("c", Severity.WARNING, 5), finding("e", Severity.WARNING, 7),
    ]  # fmt: skip
    assert [one.code for one in sorted_findings(given)] == ["b", "e", "c", "d", "a"]


DAY = 86_400_000_000


def spread_over(days, each=25):
    """So many events a day of each type, all of shoppers who were seen before."""
    time = np.arange(days, dtype=np.int64) * DAY
    counted = Counted(time, np.full(days, each))
    train_until, validation_until = days * 8 // 10 * DAY, days * 9 // 10 * DAY
    cutoffs = Cutoffs(train_until, train_until, validation_until)
    return Spread(0, days * DAY, cutoffs, dict.fromkeys(INTEREST_TYPES, counted))


PLENTY = Measures(
    interest=200_000,
    event_types={"impression": 500_000, "view": 150_000, "like": 5_000, "cart": 20_000, "purchase": 25_000},
    users=20_000, items=5_000, with_events={1: 20_000, 2: 15_000, 3: 12_000, 5: 8_000}, repeats=10_000,
    buying_twice=4_000, on_two_days=9_000, days=365, titled=5_000, priced_items=5_000, priced_purchases=25_000,
    spread=spread_over(365),
)  # fmt: skip


def not_ready(**changes):
    return {unlock.name for unlock in unlocks(replace(PLENTY, **changes)) if not unlock.ready}


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({}, set()),
        ({"titled": 2_000}, {"text"}),
        ({"items": 50_000, "titled": 50_000}, {"ease"}),
        ({"days": 89}, {"churn"}),
        ({"days": 26}, {"churn", "repeat_purchase"}),
        ({"spread": spread_over(26)}, {"predict_view", "predict_like", "predict_cart", "predict_purchase"}),
        ({"spread": spread_over(365, each=0)}, {"predict_view", "predict_like", "predict_cart", "predict_purchase"}),
        ({"spread": None}, {"predict_view", "predict_like", "predict_cart", "predict_purchase"}),
        ({"buying_twice": 10}, {"repeat_purchase"}),
        ({"repeats": 0}, {"recently_viewed"}),
        ({"priced_purchases": 0, "priced_items": 0}, {"price"}),
        ({"priced_purchases": 0}, set()),
        ({"event_types": {"purchase": 25_000}}, {"predict_view", "predict_like", "predict_cart"}),
        ({"with_events": {1: 20_000, 2: 15_000, 3: 900}}, {"sasrec"}),
        ({"with_events": {1: 20_000, 2: 100, 3: 50}}, {"item_knn", "ease", "als", "bpr", "sasrec"}),
    ],
)  # fmt: skip
def test_what_is_lacking_is_locked(changes, lacking):
    assert not_ready(**changes) == lacking


def test_an_unlock_says_what_is_there_and_what_is_needed():
    locked = next(one for one in unlocks(replace(PLENTY, titled=2_000)) if one.name == "text")
    assert locked.why == "40% of items with a title, needs 50%"
