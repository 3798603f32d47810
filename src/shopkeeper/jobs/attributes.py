"""Joins extracted attributes to a catalog, so that whatever reads columns can read them, and always sees the mark."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.schema import ITEM_ID
from shopkeeper.data.vocabulary import UNKNOWN
from shopkeeper.features.attributes.feature import MARK
from shopkeeper.features.feature import Feature

EXTRACTED: Final = "extracted"
"""In the facts of a catalog: which columns were extracted, and how."""


def with_attributes(catalog: Catalog, feature: Feature) -> Catalog:
    """The catalog with the columns of a feature of attributes.

    Args:
        catalog: Of the shop.
        feature: Built with `shopkeeper features DATASET --attributes EXTRACTOR`.

    Returns:
        A catalog with a column `extracted_NAME` for each attribute, null for items that the feature does not have, and
        under "extracted" in its facts the columns, the model, the schema's hash and the share of valid answers. One
        without columns of that name where the feature is none of attributes: the same catalog.
    """
    import pyarrow as pa

    if feature.table is None:
        return catalog
    columns = [name for name in feature.table.column_names if name.startswith(MARK)]
    index = feature.items.indices(catalog.table.column(ITEM_ID).combine_chunks())
    known = feature.table.take(pa.array(index.astype(np.int64) - 1, mask=index == UNKNOWN))
    table = catalog.table.drop_columns([name for name in columns if name in catalog.table.column_names])
    for name in columns:
        table = table.append_column(name, known.column(name))
    facts = {name: feature.facts.get(name) for name in ("name", "extractor", "schema", "valid")}
    return replace(catalog, table=table, facts={**catalog.facts, EXTRACTED: {**facts, "columns": columns}})
