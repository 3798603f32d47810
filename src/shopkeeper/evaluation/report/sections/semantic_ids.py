"""Semantic ids in the report: how good they are, and items whose ids begin alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.categories import Categories, categories_of, names_category
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html, join, paragraph, table, tag
from shopkeeper.evaluation.report.products import products
from shopkeeper.evaluation.report.settings import ReportSettings
from shopkeeper.features.feature import Feature
from shopkeeper.features.semantic_ids import Codebooks, CodebookSettings, SemanticIdQuality, SemanticIds, quality
from shopkeeper.types import Int32Array, Int64Array

FITTED_ON: Final = 10_000
"""At most so many items fit the codebooks of the page."""
CODED: Final = 100_000
"""At most so many are coded by them, drawn at random."""
ITEMS_A_VALUE: Final = 8
"""Codebooks of the page are no larger than that leaves so many items for each value."""
SMALLEST, LARGEST = 3, 6
"""Items of a group that is shown."""


@dataclass(frozen=True)
class Coded:
    """Ids of items.

    Attributes:
        origin: Where they come from, in words.
        items: Whose ids they are.
        index: int64 [n]; the indices in `items` of the items that have one.
        ids: Of these, in this order.
    """

    origin: str
    items: Vocabulary
    index: Int64Array
    ids: SemanticIds


def semantic_ids(inputs: ReportInputs, feature: Feature | None, settings: ReportSettings) -> Html:
    """Table and examples of the ids of generative models, and of codebooks over a feature.

    Args:
        inputs: Ids of models, catalog.
        feature: What codebooks of the page are fitted on; None leaves them out.
        settings: How many examples.
    """
    train = inputs.split.train.items
    coded = [
        Coded(name, train, np.arange(1, ids.n_items + 1), ids) for name, ids in inputs.semantic_ids.items()
    ]  # fmt: skip
    if feature is not None and feature.known.any():
        coded.append(coded_by_means(feature, settings.example_seed))
    if not coded:
        return Html()
    catalog = inputs.dataset.catalog
    rows = [_row(one, categories_of(catalog, one.items), settings.example_seed) for one in coded]
    head = ["Ids of", "Digits", "Share their digits", "Largest group", "Values used", "Perplexity by digit",
            "Same category by digits alike"]  # fmt: skip
    told = feature.name if feature is not None and names_category(feature) else None
    about = paragraph(
        "A few digits say what an item is, the first one most; items that are alike begin alike. A last digit tells "
        "apart those that share the others. Beside the share of items in the main category of their beginning stands "
        "in brackets what it would be if categories were dealt out anew.",
        f" The texts of {told} name the categories, so that theirs is high proves little." if told else "",
    )
    shown = _examples(coded[0], inputs, settings)
    return join([about, table(head, rows, numeric=range(1, len(head))), shown])


def coded_by_means(feature: Feature, seed: int) -> Coded:
    """Ids by residual k-means over a feature; of a large catalog a sample fits, and a larger one is coded."""
    generator = np.random.default_rng(seed)
    known = np.sort(generator.permutation(np.flatnonzero(feature.known))[:CODED])
    vectors = np.asarray(feature.matrix[known])
    chosen = np.sort(generator.permutation(len(vectors))[:FITTED_ON])
    size = max(2, min(256, len(chosen) // ITEMS_A_VALUE))
    books = Codebooks.fit(vectors[chosen], CodebookSettings(size=size, iterations=15), seed)
    return Coded(f"k-means over {feature.name}", feature.items, known, SemanticIds.of(books.code(vectors), books.sizes))


def _row(coded: Coded, categories: Categories | None, seed: int) -> list[object]:
    category = None if categories is None else categories.codes[coded.index]
    found = quality(coded.ids, category)
    dealt = None if category is None else quality(coded.ids, np.random.default_rng(seed).permutation(category))
    sizes = coded.ids.sizes[:-1]
    same = f"{len(sizes)} of {sizes[0]} values" if len(set(sizes)) == 1 else " x ".join(map(str, sizes))
    return [
        coded.origin, same, wording.percent(found.collisions), wording.count(found.largest_group),
        wording.percent(min(found.used), 0), ", ".join(f"{value:.0f}" for value in found.perplexity),
        _purity(found, dealt),
    ]  # fmt: skip


def _purity(found: SemanticIdQuality, dealt: SemanticIdQuality | None) -> str:
    if dealt is None:
        return wording.DASH
    pairs = zip(found.purity, dealt.purity, strict=True)
    return ", ".join(f"{wording.percent(real, 0)} ({wording.percent(chance, 0)})" for real, chance in pairs)


def _examples(coded: Coded, inputs: ReportInputs, settings: ReportSettings) -> Html:
    """Groups of items whose ids share all digits but the last two, drawn by seed."""
    groups = _groups(coded.ids, settings.id_examples, settings.example_seed)
    ids = {place: coded.items.ids(coded.index[group]) for place, group in enumerate(groups)}
    known = products(inputs.dataset.catalog, [item for group in ids.values() for item in group])
    cards = []
    for place, group in enumerate(groups):
        digits = coded.ids.digits[group + 1]
        begin = digits[0, : digits.shape[1] - 2]
        entries = [
            tag("li", tag("code", _written(own)), tag("span", known[item].title), tag("small", known[item].detail))
            for own, item in zip(digits, ids[place], strict=True)
        ]
        cards.append(tag("div", tag("h4", f"{_written(begin)} …"), tag("ul", *entries)))
    if not cards:
        return Html()
    said = f"Groups drawn at random of the items of {coded.origin} whose ids begin alike:"
    return join([paragraph(said), tag("div", *cards, class_="columns ids")])


def _written(digits: Int32Array) -> str:
    return "·".join(str(int(digit)) for digit in digits)


def _groups(ids: SemanticIds, n: int, seed: int) -> list[Int64Array]:
    """Items (from 0) of some groups of a readable size that share all digits before the last two of their ids."""
    begin = ids.digits[1:, : ids.digits.shape[1] - 2]
    if not begin.shape[1]:
        return []
    _, group, counts = np.unique(begin, axis=0, return_inverse=True, return_counts=True)
    fitting = np.flatnonzero((counts >= SMALLEST) & (counts <= LARGEST))
    chosen = np.random.default_rng(seed).permutation(fitting)[:n]
    return [np.flatnonzero(group.ravel() == one) for one in chosen]
