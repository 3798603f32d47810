"""Example shoppers: drawn by a seed, honestly labelled, hits marked where they are hits."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from shopkeeper.data.catalog import Catalog
from shopkeeper.evaluation.leaderboard import Leaderboard
from shopkeeper.evaluation.report import ReportInputs, ReportSettings
from shopkeeper.evaluation.report.products import products
from shopkeeper.evaluation.report.sampling import draw, hits_of, lists
from shopkeeper.evaluation.report.sections.examples import examples_section
from shopkeeper.recommenders.base import Recommender


def test_hits_agree_with_the_evaluation(bare: ReportInputs, measured: Leaderboard, models: list[Recommender]) -> None:
    for model, entry in zip(models, measured.entries, strict=True):
        hits = hits_of(model, bare.split.test, 5)
        assert hits.tolist() == (entry.evaluation.per_shopper["hit_rate", 5] == 1).tolist()


def test_half_have_a_hit_where_there_are_so_many(bare: ReportInputs, models: list[Recommender]) -> None:
    popular, transitions = models
    some = draw(popular, bare.split.test, 5, 4, seed=1)
    assert some.hit.tolist() == [True, True, False, False]
    assert hits_of(popular, bare.split.test.take(some.places), 5).tolist() == some.hit.tolist()
    assert 0 < some.pool_hits < some.pool == 200
    all_hit = draw(transitions, bare.split.test, 5, 4, seed=1)
    assert all_hit.hit.tolist() == [True] * 4
    assert all_hit.pool_hits == 200


def test_the_seed_decides(bare: ReportInputs, models: list[Recommender]) -> None:
    places = [draw(models[0], bare.split.test, 5, 4, seed).places.tolist() for seed in (1, 1, 2)]
    assert places[0] == places[1] != places[2]
    assert len(set(places[0])) == 4


def test_more_examples_than_shoppers_shows_all(bare: ReportInputs, models: list[Recommender]) -> None:
    few = bare.split.test.take(np.arange(3))
    assert sorted(draw(models[0], few, 5, 10, seed=0).places.tolist()) == [0, 1, 2]
    nobody = bare.split.test.take(np.arange(0))
    assert draw(models[0], nobody, 5, 10, seed=0).pool == 0
    inputs = replace(bare, split=replace(bare.split, test=nobody), recommenders=models)
    assert "nobody to show" in examples_section(inputs, ReportSettings()).body


def test_a_card_marks_hits_and_counts_them(full: ReportInputs, settings: ReportSettings) -> None:
    body = examples_section(full, settings).body
    cards = re.findall(r"<article.*?</article>", body)
    assert len(cards) == settings.examples
    for card in cards:
        assert "Of 1 held-out item in the top 5: Transitions 1, MostPopular" in card
        assert card.count('class="hit"') == 2  # once among the held-out items, once in the list
        assert card.count("<ol>") == 1
        assert len(re.findall("<li", card.partition("<ol>")[2])) == 5
        assert "$1,234.50" in card
        assert "Food \u203a Cakes" in card
        assert "view · Food" in card  # what was done, in the history
    assert "Chosen at random (seed 0) from 200 shoppers: 3 for whom Transitions hits and 0" in body
    assert "it hits for 100.0" in body


def test_targets_that_training_has_not_seen_are_counted(full: ReportInputs, settings: ReportSettings) -> None:
    test = full.split.test
    blind = replace(test.targets, item_index=np.zeros_like(test.targets.item_index))
    inputs = replace(full, split=replace(full.split, test=replace(test, targets=blind)))
    body = examples_section(inputs, settings).body
    assert body.count("1 event on items that training has not seen") == settings.examples
    assert 'class="hit"' not in body


def test_lists_do_not_depend_on_batches(bare: ReportInputs, models: list[Recommender], monkeypatch) -> None:
    whole = lists(models[1], bare.split.test, 5)
    monkeypatch.setattr(type(models[1]), "batch_size", lambda self: 7)
    assert (lists(models[1], bare.split.test, 5) == whole).all()


def test_products_fall_back_to_the_id() -> None:
    import pyarrow as pa

    table = pa.table({"item_id": [1, 2], "title": ["A" * 100, None], "category": [["x", "y", "z"], None]})
    found = products(Catalog(table), [1, 2, 3, 1])
    assert list(found) == [1, 2, 3]
    assert found[1].title == "A" * 59 + "…"
    assert found[1].detail == "y \u203a z"
    assert [found[item].title for item in (2, 3)] == ["2", "3"]
    assert found[1].price is None
    said = pa.table({"item_id": [1], "title": ["Milk, 1 ga"], "category": ["FOOD > COLD > MILK"], "brand": ["Ours"]})
    assert products(Catalog(said), [1])[1].detail == "Food \u203a Cold · Ours"  # the title says milk already
    assert products(None, ["a"])["a"].title == "a"
