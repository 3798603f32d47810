"""The funnel of the log: of the pairs of shopper and item that were viewed, how many went on to the cart and to buy.

Nothing is predicted here. A pair is counted at a stage where it has an event of that type and of all stages before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from shopkeeper.data import schema
from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.schema import EventType
from shopkeeper.evaluation.report.categories import categories_of
from shopkeeper.types import BoolArray, Float64Array, Int64Array

STAGES = (EventType.VIEW, EventType.CART, EventType.PURCHASE)
BANDS = ("cheapest third", "middle third", "dearest third")


@dataclass(frozen=True)
class Funnel:
    """Pairs that reach each stage.

    Attributes:
        group: How they are told apart; empty for all.
        name: Of the segment.
        counts: Pairs at each stage, in the order of the stages of the log.
    """

    group: str
    name: str
    counts: tuple[int, ...]


def stages_of(dataset: Dataset) -> tuple[EventType, ...]:
    """The stages that the log has events of."""
    counts = np.bincount(dataset.histories.event_type, minlength=len(EventType) + 1)
    return tuple(stage for stage in STAGES if counts[stage.code])


def funnels_of(dataset: Dataset, categories: int = 6) -> list[Funnel]:
    """The funnel of all pairs, and of those of each kind of shopper, price and category.

    Args:
        dataset: The log.
        categories: So many categories, those with most pairs at the first stage.
    """
    stages = stages_of(dataset)
    user, item, time, reached = _pairs(dataset, stages)
    found = [Funnel("", "all", _counts(reached, np.ones(len(user), dtype=bool)))]
    groups = (
        ("shopper", _new_or_not(dataset, user, time)),
        ("price", _by_price(dataset, item)),
        ("category", _by_category(dataset, item, reached[:, 0], categories)),
    )
    for group, segments in groups:
        found += [Funnel(group, name, _counts(reached, inside)) for name, inside in segments if inside.any()]
    return found


def _pairs(dataset: Dataset, stages: tuple[EventType, ...]) -> tuple[Int64Array, Int64Array, Int64Array, BoolArray]:
    """Shopper, item, first moment, and whether each stage is reached (bool [pairs, stages]), of pairs at the first."""
    events = dataset.histories
    kind = np.asarray(events.event_type)
    kept = np.isin(kind, [stage.code for stage in stages])
    size = dataset.n_items + 1
    key = (events.rows[kept] + 1) * size + np.asarray(events.item_index)[kept]
    pairs, first, number = np.unique(
        key, return_index=True, return_inverse=True
    )  # the earliest: shoppers' are in order
    reached = np.empty((len(pairs), len(stages)), dtype=bool)
    for place, stage in enumerate(stages):
        reached[:, place] = np.bincount(number[kind[kept] == stage.code], minlength=len(pairs)) > 0
    reached = np.logical_and.accumulate(reached, axis=1)
    at_first = reached[:, 0]
    time = np.asarray(events.timestamp)[kept][first]
    return (pairs // size)[at_first], (pairs % size)[at_first], time[at_first], reached[at_first]


def _counts(reached: BoolArray, inside: BoolArray) -> tuple[int, ...]:
    return tuple(reached[inside].sum(axis=0).tolist())


def _new_or_not(dataset: Dataset, user: Int64Array, time: Int64Array) -> Iterator[tuple[str, BoolArray]]:
    """Pairs of the first day of a shopper, and later ones."""
    events = dataset.histories
    starts = np.asarray(events.offsets[:-1])
    begun = np.zeros(dataset.n_users + 1, dtype=np.int64)
    some = np.asarray(events.lengths) > 0
    begun[1:][some] = np.asarray(events.timestamp)[starts[some]]
    new = time < begun[user] + MICROSECONDS_A_DAY
    yield "on the first day of the shopper", new
    yield "of shoppers who came back", ~new


def _by_price(dataset: Dataset, item: Int64Array) -> Iterator[tuple[str, BoolArray]]:
    """Thirds of the pairs by the mean price of the item."""
    price = _prices(dataset)[item]
    known = np.isfinite(price)
    if known.sum() < len(BANDS) or np.ptp(price[known]) == 0:
        return
    one, two = np.quantile(price[known], [1 / 3, 2 / 3])
    for name, low, high in zip(BANDS, (-np.inf, one, two), (one, two, np.inf), strict=True):
        ends = f"up to {high:,.2f}" if low == -np.inf else f"above {low:,.2f}"
        yield f"{name} ({ends})", known & (price > low) & (price <= high)


def _prices(dataset: Dataset) -> Float64Array:
    """Mean price in the events of each item, else that of the catalog, float64 [n_items + 1]; NaN if not known."""
    result = np.full(dataset.n_items + 1, np.nan)
    catalog = dataset.catalog
    if catalog is not None and schema.PRICE in catalog.table.column_names:
        column = catalog.aligned(dataset.items).column(schema.PRICE).combine_chunks()
        result[1:] = column.to_numpy(zero_copy_only=False)
    if dataset.price is not None:
        price, item = np.asarray(dataset.price, dtype=np.float64), np.asarray(dataset.histories.item_index)
        known = np.isfinite(price) & (price > 0)
        n = np.bincount(item[known], minlength=len(result))
        sums = np.bincount(item[known], price[known], minlength=len(result))
        np.divide(sums, n, out=result, where=n > 0)
    result[~(np.isfinite(result) & (result > 0))] = np.nan
    return result


def _by_category(dataset: Dataset, item: Int64Array, viewed: BoolArray, most: int) -> Iterator[tuple[str, BoolArray]]:
    """Pairs of the categories with most of them."""
    categories = categories_of(dataset.catalog, dataset.items)
    if categories is None:
        return
    code = categories.codes[item]
    counts = np.bincount(code[viewed & (code >= 0)], minlength=len(categories.names))
    for place in np.argsort(-counts, kind="stable")[:most].tolist():
        yield categories.names[place], code == place
