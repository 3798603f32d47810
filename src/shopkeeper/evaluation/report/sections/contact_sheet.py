"""The contact sheet: for some items those that lie nearest by text, by picture and by both, for a person to judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.categories import Categories, names_category
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html, join, note, paragraph, tag
from shopkeeper.evaluation.report.products import Product, products
from shopkeeper.evaluation.report.settings import ReportSettings
from shopkeeper.evaluation.report.thumbnails import SIDE, Thumbnails
from shopkeeper.features.feature import Feature
from shopkeeper.features.neighbors import nearest, purity
from shopkeeper.types import Float32Array, Int32Array, Int64Array

SEARCHED: Final = 20_000
"""At most so many items are searched for neighbors, drawn at random."""
ASKED: Final = 1000
"""Items whose neighbors are counted for the sentence above the sheet."""


def contact_sheet(inputs: ReportInputs, vectors: Sequence[Feature], categories: Categories | None,
                  settings: ReportSettings) -> Html:  # fmt: skip
    """A card for each of some items, a row for each way of being near.

    Args:
        inputs: Items, catalog and pictures.
        vectors: Features of all items, at least one.
        categories: Of all items, or None.
        settings: How many items and neighbors.
    """
    features = ways_of_being_near(_sampled(vectors, settings.example_seed))
    able = np.flatnonzero(np.logical_and.reduce([feature.known for feature in features.values()]))
    if not len(able):
        return note("No item has all features, so there is nothing to compare.")
    generator = np.random.default_rng(settings.example_seed)
    asked = np.sort(generator.permutation(able)[: settings.sheet_items])
    near = {name: nearest(feature, asked, settings.sheet_neighbors)[0] for name, feature in features.items()}
    items = next(iter(features.values())).items
    places = inputs.dataset.items.indices(items.arrow)
    goods = _Goods(
        inputs, items, places, np.concatenate([asked, *(found.ravel() for found in near.values())]), settings
    )
    cards = [
        goods.card(int(item), {name: found[place] for name, found in near.items()}) for place, item in enumerate(asked)
    ]
    labels = None if categories is None else np.concatenate([[0], categories.codes[places] + 1])
    said = _shares(features, labels, generator.permutation(able)[:ASKED], settings.sheet_neighbors)
    if said and any(names_category(feature) for feature in vectors):
        said += " The texts name the category, so that they find it is no surprise."
    return join([paragraph(f"{wording.plural(len(asked), 'item')} drawn at random. {said}"), *cards])


def _shares(features: Mapping[str, Feature], labels: Int64Array | None, asked: Int64Array, k: int) -> str:
    """How many of the neighbors are of the same category, in a sentence."""
    if labels is None:
        return ""
    found = {name: purity(feature, labels, asked, k) for name, feature in features.items()}
    counts = np.bincount(labels[labels > 0])[1:]
    chance = float((counts * (counts - 1)).sum() / max(1, counts.sum() * (counts.sum() - 1)))
    parts = wording.listing([f"{wording.percent(share, 0)} {name}" for name, share in found.items()])
    return f"Of the {k} nearest, {parts} are of the same category ({wording.percent(chance, 0)} would be by chance)."


class _Goods:
    """Writes items: title, category, picture.

    Args:
        inputs: Catalog and pictures.
        items: Whose indices are written.
        places: int32 [n]; the index of each of them among all items, which pictures go by.
        used: Indices that will be written; 0 for none.
        settings: Bytes for pictures.
    """

    def __init__(
        self, inputs: ReportInputs, items: Vocabulary, places: Int32Array, used: Int64Array, settings: ReportSettings
    ) -> None:
        written = np.unique(used[used > 0])
        ids = items.ids(written)
        known = products(inputs.dataset.catalog, ids)
        self.shown = {item: known[item_id] for item, item_id in zip(written.tolist(), ids, strict=True)}
        self.places = places
        self.pictures = Thumbnails(inputs.pictures, settings.sheet_bytes)

    def card(self, item: int, near: Mapping[str, Int64Array]) -> Html:
        """An item and its neighbors, int64 [k] each."""
        rows = [
            tag("div", tag("h4", name), tag("ol", *(self.cell(one) for one in found.tolist() if one)))
            for name, found in near.items()
        ]
        product = self.shown[item]
        head = tag("header", self.picture(item), tag("div", tag("h3", product.title), _small(product)))
        return tag("article", head, *rows, class_="sheet")

    def cell(self, item: int) -> Html:
        """One neighbor."""
        product = self.shown[item]
        return tag("li", self.picture(item), tag("span", product.title), _small(product))

    def picture(self, item: int) -> Html:
        """The picture of an item, or nothing."""
        uri = self.pictures.uri(int(self.places[item - 1]))
        return tag("img", src=uri, alt=self.shown[item].title, width=SIDE, height=SIDE) if uri else Html()


def _small(product: Product) -> Html:
    return tag("small", product.detail) if product.detail else Html()


def _sampled(features: Sequence[Feature], seed: int) -> list[Feature]:
    """The features of a sample of the items, so that a page takes seconds whatever the size of the catalog."""
    items = features[0].items
    if len(items) <= SEARCHED:
        return list(features)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(items))[:SEARCHED])
    some = Vocabulary(items.arrow.take(chosen))
    return [feature.aligned(some) for feature in features]


def ways_of_being_near(features: Sequence[Feature]) -> dict[str, Feature]:
    """The first feature of texts, the first of pictures, and unit vectors of both side by side; else the first one."""
    text = next((feature for feature in features if feature.name.startswith("text")), None)
    image = next((feature for feature in features if feature.name.startswith("image")), None)
    if text is None and image is None:
        return {f"by {feature.name}": feature for feature in features[:1]}
    found = {"by text": text, "by picture": image}
    if text is not None and image is not None:
        both = np.concatenate([_unit(text), _unit(image)], axis=1)
        found["by both"] = Feature("both", text.items, both, text.known & image.known)
    return {name: feature for name, feature in found.items() if feature is not None}


def _unit(feature: Feature) -> Float32Array:
    matrix = np.asarray(feature.matrix, dtype=np.float32)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: Float32Array = matrix / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit
