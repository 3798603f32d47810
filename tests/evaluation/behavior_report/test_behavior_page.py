"""The page of behavior as a browser reads it: whole, by itself, in words."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

pytest.importorskip("altair")
pytest.importorskip("vl_convert")

from viewed_and_bought import EVIL, inputs_of

from evaluation.report.outline import Outline
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.errors import DataError
from shopkeeper.evaluation.behavior_report.page import render_behavior_report, write_behavior_report
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings

SETTINGS = BehaviorReportSettings(shop="Tea & Co", sample=60, dependence=3, features=6)
SECTIONS = [
    "leaderboard",
    "order",
    "truth",
    "decision",
    "importance",
    "dependence",
    "examples",
    "funnel",
    "card",
    "reading",
]


def read(page: str) -> Outline:
    """The page, which must be well formed, load nothing, name no column and run nothing."""
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert all(link.startswith("#") for _, link in outline.links)
    assert "script" not in outline.names
    text = re.sub(r"<style>.*?</style>|<details>.*?</details>", "", page, flags=re.DOTALL)
    assert not re.search(r"\b(user|item|pair)_[a-z]", text)
    assert "nan" not in re.sub(r"<[^>]*>", " ", text).lower().split()
    return outline


@pytest.fixture(scope="module")
def page(inputs) -> str:
    return render_behavior_report(inputs, SETTINGS)


def test_all_sections_are_there_and_well_formed(page):
    outline = read(page)
    assert [name for name in SECTIONS if name in outline.ids] == SECTIONS
    assert "learning" not in outline.ids  # no model was trained in epochs
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    assert page.count('<article class="shopper reasons">') == SETTINGS.examples


def test_it_says_what_was_asked_and_what_it_rests_on(page, inputs):
    assert "a purchase" in page
    assert "purchase within 5 days" in page
    assert f"one in {1 / inputs.test.negative_rate:,.0f} is asked" in page
    assert "act from a chance of 4.8" in page
    assert re.search(r"The shopper .*: speaks (strongly |slightly )?(for|against) it\.", page)
    assert "put in the cart of those viewed" in page
    assert "dearest third" in page
    assert "Tea" in page


def test_a_page_of_shoppers_and_one_of_amounts(log):
    churn = inputs_of(log, ExampleSettings(target="churn", days=10, every_days=5), ["LogisticRegression"])
    text = render_behavior_report(churn, SETTINGS)
    read(text)
    assert "shoppers with churn" in text
    amounts = inputs_of(log, ExampleSettings(target="amount", days=10, every_days=5), ["GradientBoosting"])
    outline = read(render_behavior_report(amounts, SETTINGS))
    assert "truth" in outline.ids
    assert "order" not in outline.ids
    assert "decision" not in outline.ids


def test_it_does_without_a_leaderboard_and_writes_one_file(inputs, tmp_path):
    bare = replace(inputs, board=None, words=(), card={})
    write_behavior_report(bare, tmp_path / "page.html", SETTINGS.model_copy(update={"examples": 0, "dependence": 0}))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    outline = read(page)
    assert "not measured" in page
    assert "examples" not in outline.ids
    assert "dependence" not in outline.ids


def test_there_must_be_a_model_and_examples(inputs):
    with pytest.raises(DataError, match="needs a predictor"):
        replace(inputs, predictors={})
    with pytest.raises(DataError, match="needs examples"):
        replace(inputs, test=inputs.test.take(slice(0, 0)))


def test_a_network_of_several_behaviors_has_curves_and_is_true_for_each(log):
    pytest.importorskip("torch")
    asked = ExampleSettings(days=5, negatives=4, behaviors=("cart",), moments_a_user=2)
    page = render_behavior_report(inputs_of(log, asked, ["SharedBottom"]), SETTINGS)
    outline = read(page)
    assert "learning" in outline.ids
    assert "Loss on validation" not in page  # there was none
    assert "By behavior" in page
    assert re.search(r"<td>cart</td>", page)
