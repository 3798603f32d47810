"""The contact sheet: for some items those that lie nearest by text, by picture and by both, for a person to judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.categories import Categories
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html, join, paragraph, tag
from shopkeeper.evaluation.report.products import Product, products
from shopkeeper.evaluation.report.settings import ReportSettings
from shopkeeper.evaluation.report.thumbnails import SIDE, Thumbnails
from shopkeeper.features.feature import Feature
from shopkeeper.features.neighbors import nearest, purity
from shopkeeper.types import Float32Array, Int64Array

ASKED: Final = 1000
"""Items whose neighbors are counted for the sentence above the sheet."""


def contact_sheet(inputs: ReportInputs, features: Mapping[str, Feature], categories: Categories | None,
                  settings: ReportSettings) -> Html:  # fmt: skip
    """A card for each of some items, a row for each way of being near.

    Args:
        inputs: Catalog and pictures.
        features: By the words for them, such as "by text"; all of the same items.
        categories: Of these items, or None.
        settings: How many items and neighbors.
    """
    everywhere = np.logical_and.reduce([feature.known for feature in features.values()])
    able = np.flatnonzero(everywhere)
    generator = np.random.default_rng(settings.example_seed)
    asked = np.sort(generator.permutation(able)[: settings.sheet_items])
    near = {name: nearest(feature, asked, settings.sheet_neighbors)[0] for name, feature in features.items()}
    items = next(iter(features.values())).items
    used = np.unique(np.concatenate([asked, *(found.ravel() for found in near.values())]))
    used = used[used > 0]
    ids = dict(zip(used.tolist(), items.ids(used), strict=True))
    known = products(inputs.dataset.catalog, ids.values())
    shown = {item: known[item_id] for item, item_id in ids.items()}
    pictures = Thumbnails(inputs.pictures, settings.sheet_bytes)
    cards = [
        _card(int(item), {name: found[place] for name, found in near.items()}, shown, pictures)
        for place, item in enumerate(asked)
    ]
    said = _shares(features, categories, generator.permutation(able)[:ASKED], settings.sheet_neighbors)
    return join([paragraph(f"{wording.plural(len(asked), 'item')} drawn at random. {said}"), *cards])


def _shares(features: Mapping[str, Feature], categories: Categories | None, asked: Int64Array, k: int) -> str:
    """How many of the neighbors are of the same category, in a sentence."""
    if categories is None or not len(asked):
        return ""
    labels = categories.codes + 1
    found = {name: purity(feature, labels, asked, k) for name, feature in features.items()}
    counts = np.bincount(labels[labels > 0])[1:]
    chance = float((counts * (counts - 1)).sum() / max(1, counts.sum() * (counts.sum() - 1)))
    parts = wording.listing([f"{wording.percent(share, 0)} {name}" for name, share in found.items()])
    return f"Of the {k} nearest, {parts} are of the same category ({wording.percent(chance, 0)} would be by chance)."


def _card(item: int, near: Mapping[str, Int64Array], shown: Mapping[int, Product], pictures: Thumbnails) -> Html:
    rows = [
        tag("div", tag("h4", name), tag("ol", *(_cell(int(one), shown, pictures) for one in found if one)))
        for name, found in near.items()
    ]
    product = shown[item]
    head = tag("header", _picture(item, product, pictures), tag("div", tag("h3", product.title), _small(product)))
    return tag("article", head, *rows, class_="sheet")


def _cell(item: int, shown: Mapping[int, Product], pictures: Thumbnails) -> Html:
    product = shown[item]
    return tag("li", _picture(item, product, pictures), tag("span", product.title), _small(product))


def _small(product: Product) -> Html:
    return tag("small", product.detail) if product.detail else Html()


def _picture(item: int, product: Product, pictures: Thumbnails) -> Html:
    uri = pictures.uri(item)
    if uri is None:
        return Html()
    return tag("img", src=uri, alt=product.title, width=SIDE, height=SIDE)


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
