"""The encoder of pictures on product photographs: speed, a second run, and whether near means of the same type.

Called by `benchmarks/features.py --images FOLDER`. The folder holds `fashion.csv` with ProductId, ProductTitle,
ProductType, Gender, Colour and Image, and `images/` with the files, in folders or not. "Both" puts the unit vectors of
title and picture beside each other.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.features.feature import Feature
from shopkeeper.features.image.feature import ImageSettings
from shopkeeper.features.neighbors import purity
from shopkeeper.features.store import FeatureStore
from shopkeeper.features.text.settings import TextSettings

LABELS = {"product type": "ProductType", "gender": "Gender", "color": "Colour"}


def measured_images(folder: Path, k: int, most: int | None = None) -> dict[str, Any]:
    """Speed of the encoder, the second run, faults, and purity by text, picture and both.

    Args:
        folder: With `fashion.csv` and `images/`.
        k: Neighbors.
        most: Only the first so many products.
    """
    table = csv.read_csv(folder / "fashion.csv").slice(0, most)
    files = {path.name: path.relative_to(folder).as_posix() for path in sorted((folder / "images").rglob("*.*"))}
    paths = [files.get(name, name) for name in table.column("Image").to_pylist()]
    rows = {"item_id": table.column("ProductId"), "title": table.column("ProductTitle"), "image": pa.array(paths)}
    catalog, items = Catalog(pa.table(rows)), Vocabulary(table.column("ProductId"))
    work = Path(tempfile.mkdtemp(prefix="shopkeeper-features-"))
    try:
        store = FeatureStore(work)
        first = store.image(items, catalog, ImageSettings(), folder)
        second = store.image(items, catalog, ImageSettings(), folder)
        title = build(TextSettings, {"template": {"parts": ["{title}"]}})
        text, image = store.text(items, catalog, title).feature, first.feature
        both = Feature("both", items, np.concatenate([text.matrix, image.matrix], axis=1), text.known & image.known)
        facts = image.facts
        return {
            "pictures": facts["distinct"], "faults": facts["faults"], "pictures_a_second": facts["images_a_second"],
            "first_seconds": round(first.seconds, 3), "second_seconds": round(second.seconds, 4),
            "second_share": round(second.seconds / first.seconds, 5),
            "purity": {name: _purities(feature, table, items, k)
                       for name, feature in (("minilm", text), ("efficientnet", image), ("both", both))},
        }  # fmt: skip
    finally:
        shutil.rmtree(work)


def image_lines(found: dict[str, Any]) -> list[str]:
    """The figures in lines."""
    lines = [
        f"efficientnet: {found['pictures']:,} pictures, {found['pictures_a_second']:,.1f} a second; second run "
        f"{found['second_seconds']:.3f} s, {found['second_share']:.2%} of the first; faults {found['faults'] or 'none'}"
    ]
    for name, purities in found["purity"].items():
        lines.append(f"{name:14s}" + "".join(f"  {label} {value:.4f}" for label, value in purities.items()))
    return lines


def _purities(feature: Feature, table: pa.Table, items: Vocabulary, k: int) -> dict[str, float]:
    order = items.indices(table.column("ProductId"))
    found = {}
    for label, column in LABELS.items():
        labels = np.zeros(len(items) + 1, dtype=np.int64)
        codes = table.column(column).combine_chunks().dictionary_encode().indices
        labels[order] = codes.to_numpy(zero_copy_only=False) + 1
        found[label] = round(purity(feature, labels, np.arange(1, len(items) + 1), k), 4)
    return found
