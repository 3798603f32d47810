"""Evidence of a prediction removed: features, what the item is, where it is shown, and the history of the shopper.

A feature, an attribute or a place gets the value that it has in another example; a history is left out whole. Other
evidence, the moment say, stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.types import BoolArray, Int64Array

HISTORY = "history"
PLACE = "shown_at"


def removable(examples: Examples, names: Sequence[str]) -> list[int]:
    """Places of the names that stand for something in the examples that can be removed."""
    known = {attribute.name for attribute in examples.attributes}
    known |= set(examples.features.names) if examples.features is not None else set()
    known |= {HISTORY} if examples.past is not None else set()
    known |= {PLACE} if examples.placement is not None else set()
    return [place for place, name in enumerate(names) if name in known]


def without(examples: Examples, names: Sequence[str], which: BoolArray, others: Int64Array) -> Examples:
    """The examples with some of their evidence removed.

    Args:
        examples: Any.
        names: Of evidence that is removable.
        which: bool [n, names]; what is removed of each.
        others: int64 [n]; the example that values are taken from.
    """
    column = {name: which[:, place] for place, name in enumerate(names)}
    changed = _other_features(examples, column, others)
    if any(attribute.name in column for attribute in examples.attributes):
        changed = _other_attributes(changed, column, others)
    if PLACE in column and examples.placement is not None:
        place = np.where(column[PLACE], examples.placement[others], examples.placement)
        changed = replace(changed, placement=place.astype(np.uint8))
    if HISTORY in column and examples.past is not None:
        stop = np.where(column[HISTORY], examples.past.start, examples.past.stop)
        changed = replace(changed, past=replace(examples.past, stop=stop))
    return changed


def _other_features(examples: Examples, column: dict[str, BoolArray], others: Int64Array) -> Examples:
    if examples.features is None:
        return examples
    table = examples.features
    values = np.array(table.values)
    for place, name in enumerate(table.names):
        if name in column:
            values[:, place] = np.where(column[name], table.values[others, place], table.values[:, place])
    return replace(examples, features=FeatureTable(table.names, values))


def _other_attributes(examples: Examples, column: dict[str, BoolArray], others: Int64Array) -> Examples:
    """Each example gets an item of its own, whose attributes are those of its item or of another one's."""
    item = examples.item_index
    own = len(examples.attributes[0].codes) + np.arange(len(item))
    attributes = []
    for attribute in examples.attributes:
        codes = attribute.codes[item]
        if attribute.name in column:
            codes = np.where(column[attribute.name], codes[others], codes)
        attributes.append(replace(attribute, codes=np.concatenate([attribute.codes, codes])))
    return replace(examples, item_index=own.astype(np.int32), attributes=tuple(attributes))
