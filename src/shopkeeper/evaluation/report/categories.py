"""The step of the category path that tells items apart best for a reader: in a shop of beauty not "Beauty"."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.schema import CATEGORY, CATEGORY_SEPARATOR
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.features.feature import Feature
from shopkeeper.types import Int64Array

NEARLY_ALL = 0.9
"""A step that so many items share tells nothing."""


@dataclass(frozen=True)
class Categories:
    """Categories of items at one depth.

    Attributes:
        names: The most frequent first; without the steps before.
        codes: int64 [n_items + 1]; place in `names`, -1 for an item without a category.
        leaves: For each item the last step of its whole path, n_items + 1 of them; empty where it has none.
    """

    names: tuple[str, ...]
    codes: Int64Array
    leaves: tuple[str, ...]


def categories_of(catalog: Catalog | None, items: Vocabulary) -> Categories | None:
    """The categories at the first depth that tells items apart; None where the catalog knows none."""
    if catalog is None or CATEGORY not in catalog.table.column_names:
        return None
    paths = [
        [] if path is None else [step.strip() for step in str(path).split(CATEGORY_SEPARATOR)]
        for path in catalog.aligned(items).column(CATEGORY).to_pylist()
    ]
    deepest = max(map(len, paths), default=0)
    if not deepest:
        return None
    depth = next((depth for depth in range(deepest) if _tells_apart(paths, depth)), 0)
    steps = [path[min(depth, len(path) - 1)] if path else None for path in paths]
    names = tuple(name for name, _ in Counter(step for step in steps if step is not None).most_common())
    place = {name: code for code, name in enumerate(names)}
    codes = np.array([-1, *(-1 if step is None else place[step] for step in steps)], dtype=np.int64)
    return Categories(names, codes, ("", *(path[-1] if path else "" for path in paths)))


def names_category(feature: Feature) -> bool:
    """Whether the texts that a feature was made of name the category: likeness by category proves little then."""
    return CATEGORY in feature.facts.get("columns", ())


def _tells_apart(paths: list[list[str]], depth: int) -> bool:
    counts = Counter(path[depth] for path in paths if len(path) > depth)
    return len(counts) > 1 and max(counts.values()) < NEARLY_ALL * counts.total()
