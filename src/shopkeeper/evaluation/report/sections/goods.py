"""The goods: what is known of them as vectors, the map of the catalog, semantic ids, what lies near."""

from __future__ import annotations

import numpy as np

from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.catalog_map import catalog_map
from shopkeeper.evaluation.report.categories import Categories, categories_of, names_category
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html, join, note, paragraph, table, tag
from shopkeeper.evaluation.report.products import products
from shopkeeper.evaluation.report.sections.contact_sheet import contact_sheet
from shopkeeper.evaluation.report.sections.section import Section, subsection
from shopkeeper.evaluation.report.sections.semantic_ids import semantic_ids
from shopkeeper.evaluation.report.settings import ReportSettings
from shopkeeper.features.feature import Feature
from shopkeeper.features.projection import on_a_plane

TITLE = "What the goods are"
TABULAR = "tabular"
"""Name of the feature that is no vector of a model: not mapped, coded or searched."""
FEWEST = 3
"""Items that a map needs."""


def goods_section(inputs: ReportInputs, settings: ReportSettings) -> Section:
    """What the features say, for a person to judge."""
    if not inputs.features and not inputs.semantic_ids:
        said = note("No features of items were given; ", tag("code", "shopkeeper features"), " builds them, and ",
                    tag("code", "--features"), " shows them here.")  # fmt: skip
        return Section("goods", TITLE, said)
    parts = [subsection("Features", _features(inputs))] if inputs.features else []
    vectors = [feature for feature in inputs.features if feature.name != TABULAR]
    first = vectors[0] if vectors else None
    categories = categories_of(inputs.dataset.catalog, inputs.dataset.items)
    if first is not None and settings.map_items and int(first.known.sum()) >= FEWEST:
        parts.append(subsection("Map of the catalog", _map(inputs, first, categories, settings)))
    if ids := semantic_ids(inputs, first, settings):
        parts.append(subsection("Semantic ids", ids))
    if vectors and settings.sheet_items:
        parts.append(subsection("What lies near", contact_sheet(inputs, vectors, categories, settings)))
    return Section("goods", TITLE, join(parts))


def _features(inputs: ReportInputs) -> Html:
    rows = [
        [one.name, wording.percent(one.coverage), wording.count(one.size), _scripts(one), _faults(one)]
        for one in inputs.features
    ]
    head = ["Feature", "Items that have it", "Numbers", "Letters by script", "Without a picture"]
    kept = [place for place in range(len(head)) if place < 3 or any(row[place] != wording.DASH for row in rows)]
    shown = table([head[place] for place in kept], [[row[place] for place in kept] for row in rows], numeric=(1, 2))
    warnings = [(feature.name, said) for feature in inputs.features for said in feature.facts.get("warnings", ())]
    return join([shown, _warnings(warnings)])


def _scripts(feature: Feature) -> str:
    shares = feature.facts.get("scripts") or {}
    told = [f"{script} {wording.percent(share)}" for script, share in shares.items() if share >= 0.001]
    return ", ".join(told) or wording.DASH


def _faults(feature: Feature) -> str:
    return ", ".join(f"{count} {fault}" for fault, count in (feature.facts.get("faults") or {}).items()) or wording.DASH


def _warnings(warnings: list[tuple[str, str]]) -> Html:
    if not warnings:
        return Html()
    entries = (
        tag("li", tag("span", "warning", class_="badge warning"), tag("div", f"{name}: {said}."))
        for name, said in warnings
    )
    return tag("ul", *entries, class_="findings")


def _map(inputs: ReportInputs, feature: Feature, categories: Categories | None, settings: ReportSettings) -> Html:
    known = np.flatnonzero(feature.known)
    index = np.sort(np.random.default_rng(settings.example_seed).permutation(known)[: settings.map_items])
    places, method = on_a_plane(np.asarray(feature.matrix)[index], settings.example_seed)
    ids = feature.items.ids(index)
    shown = products(inputs.dataset.catalog, ids)
    titles = [" · ".join(part for part in (shown[item].title, shown[item].detail) if part) for item in ids]
    codes = np.full(len(index), -1) if categories is None else categories.codes[index]
    kinds = [""] * len(index) if categories is None else [categories.leaves[item] for item in index]
    drawn = catalog_map(places, codes, () if categories is None else categories.names, kinds, titles)
    said = (
        f"{wording.plural(len(index), 'item')} by {feature.name} on a plane ({method}): near means alike, far means "
        "little, and the axes mean nothing. The pointer shows what a dot is. "
    )
    apart = (
        "The texts name the categories, so that colors lie apart is no surprise."
        if names_category(feature)
        else "Where colors lie apart, the vectors know the categories without having been told."
    )
    return join([drawn, paragraph(said, apart)])
