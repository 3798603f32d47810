"""The benchmark of new items on a shop of a few hundred: all that it promises to tell is there."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.new_items import VARIANTS, Shop, bundle_of, figures_of, item_of, line, measure
from benchmarks.serving import generated_log

KINDS = ("lip gloss", "face cream", "hair brush", "nail file", "hand soap", "eye mask", "sun lotion", "foot balm")
ROWS = [
    {"title": f"{color} {kind}", "brand": None, "category": f"Beauty > {kind.split()[0]}"}
    for kind in KINDS
    for color in ("Red", "Green", "Blue", "White")
]


def test_variants_of_a_title_have_neighboring_numbers_and_no_title_comes_twice():
    titles = [item_of(ROWS, number)["title"] for number in range(3 * len(VARIANTS) * len(ROWS))]
    assert len(set(titles)) == len(titles)
    assert all(title.startswith("Red lip gloss") for title in titles[: len(VARIANTS)])


def test_a_product_is_a_variant_of_what_the_history_led_to():
    shop = Shop(ROWS, generated_log(288))
    facts, history = shop.product(np.random.default_rng(0))
    assert facts["category"] in {row["category"] for row in ROWS}
    assert len(history) == 5
    assert min(history) >= 1


def test_figures_are_median_p95_and_longest():
    assert figures_of([3.0, 1.0, 2.0]) == {"median": 2.0, "p95": pytest.approx(2.9), "max": 3.0}


@pytest.mark.slow
def test_a_small_shop_is_measured(tmp_path: Path):
    shop = Shop(ROWS, generated_log(288))
    assert bundle_of(ROWS, shop.log, tmp_path / "bundle")["items_with_text"] == 288
    result = measure(tmp_path, shop, workers=1, earlier=3, posts=2)
    assert set(result["milliseconds"]) >= {"new item: answered", "new item: first answer that knows"}
    assert "first answer that knows" in line(result)
