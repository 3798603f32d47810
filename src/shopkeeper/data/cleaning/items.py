"""Items that are left out for what they are: those that the settings name, and those that are no products."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data import schema
from shopkeeper.data.cleaning.log import Log, Verdict
from shopkeeper.data.cleaning.reasons import KEPT, Reason
from shopkeeper.data.non_products import find_non_products
from shopkeeper.errors import ConfigError
from shopkeeper.types import BoolArray, Id

if TYPE_CHECKING:
    import pyarrow as pa

    from shopkeeper.data.catalog import Catalog

MOST_NAMED: Final = 200
"""Non-products whose reasons are written into the facts."""


@dataclass(frozen=True)
class ItemRules:
    """Which items are left out.

    Attributes:
        drop: Ids; written as text they also name integer ids.
        pattern: Regular expression that the whole id must match; None matches none.
        non_products: Whether items that are no products are left out.
    """

    drop: Sequence[Id]
    pattern: str | None
    non_products: bool

    @property
    def any(self) -> bool:
        """Whether any item can be left out."""
        return bool(self.drop) or self.pattern is not None or self.non_products


def drop_items(log: Log, ids: pa.Array, catalog: Catalog | None, rules: ItemRules, fit_until: int | None) -> Verdict:
    """Finds the events of items that are left out.

    What ids usually look like is learned from the items of training alone; items that only come later are judged by
    all, so that they change nothing about training.

    Args:
        log: Events in any order.
        ids: Ids of items, by number - 1.
        catalog: Where the titles are, if known.
        rules: Which items are left out.
        fit_until: Training ends before this moment, Unix microseconds; None takes the whole log.

    Raises:
        ConfigError: The pattern is not a regular expression.
    """
    reason = np.zeros(len(ids) + 1, dtype=np.uint8)
    named: dict[str, str] = {}
    if rules.non_products:
        in_training = np.zeros(len(ids) + 1, dtype=bool)
        in_training[log.item if fit_until is None else log.item[log.time < fit_until]] = True
        titles = _titles(ids, catalog)
        for places in (np.arange(len(ids)), np.flatnonzero(in_training[1:])):
            found = find_non_products(ids.take(places), None if titles is None else titles.take(places))
            reason[1 + places] = np.where(_among(ids.take(places), found.reasons), Reason.NOT_A_PRODUCT.code, KEPT)
            named |= {str(value): why for value, why in found.reasons.items()}
    reason[1:][_dropped(ids, rules)] = Reason.DROPPED_ITEM.code
    facts = {"non_products": dict(list(named.items())[:MOST_NAMED])} if named else {}
    return Verdict(reason[log.item], facts)


def _dropped(ids: pa.Array, rules: ItemRules) -> BoolArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = ids.cast(pa.string())
    dropped = _among(texts, {str(value): "" for value in rules.drop})
    if rules.pattern is not None:
        try:
            re.compile(rules.pattern)
            dropped |= _bools(pc.match_substring_regex(texts, f"^(?:{rules.pattern})$"))
        except (re.error, pa.ArrowInvalid) as error:
            raise ConfigError(
                "drop_items_matching is not a regular expression", expected="such as 'POST|DOT|.*_FEE'", got=str(error)
            ) from error
    return dropped


def _titles(ids: pa.Array, catalog: Catalog | None) -> pa.Array | None:
    """Title of each item, null where unknown; None without any titles."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if catalog is None or schema.TITLE not in catalog.table.column_names:
        return None
    known = catalog.table.column(schema.ITEM_ID)
    if pa.types.is_integer(known.type) != pa.types.is_integer(ids.type):
        return None
    places = pc.index_in(ids, value_set=known.cast(ids.type))
    return catalog.table.column(schema.TITLE).combine_chunks().take(places)


def _among(ids: pa.Array, wanted: Mapping[Any, str]) -> BoolArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    return _bools(pc.is_in(ids, value_set=pa.array(list(wanted), ids.type)))


def _bools(mask: pa.Array) -> BoolArray:
    values: NDArray[np.bool_] = mask.to_numpy(zero_copy_only=False).astype(bool)
    return values
