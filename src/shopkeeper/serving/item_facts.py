"""Facts of items as answers carry them, and the search for items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np

from shopkeeper.data.schema import CATEGORY_SEPARATOR
from shopkeeper.errors import choices
from shopkeeper.pipeline.facts import ItemFacts
from shopkeeper.serving.answers import CategoryOut, Facts, ItemOut
from shopkeeper.serving.problems import InvalidError
from shopkeeper.serving.reading import check_number, few
from shopkeeper.serving.requests import Fact, FiltersIn
from shopkeeper.serving.served import Served
from shopkeeper.types import BoolArray, Float64Array, Int32Array

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN: Final = ("title", "category", "brand", "price", "image")
"""Facts that the answers about histories carry."""
CARD: Final = (*SHOWN, "available")
"""And those about similar items, among which sold out ones may be."""
_READ: Final[dict[str, Callable[[ItemFacts, int], Any]]] = {
    "title": ItemFacts.title,
    "category": ItemFacts.category,
    "brand": ItemFacts.brand,
    "price": ItemFacts.price,
    "currency": ItemFacts.currency,
    "image": ItemFacts.image,
    "available": ItemFacts.is_available,
}
MOST_LEVELS: Final = 2
"""So many upper levels of categories are listed."""


def some_facts(facts: ItemFacts, item_index: int, names: Sequence[str] = SHOWN) -> Facts:
    """The named facts of one item; a price with its currency, where that is known."""
    found = Facts()
    for name in names:
        setattr(found, name, _READ[name](facts, item_index))
    if "price" in names and (currency := facts.currency(item_index)) is not None:
        found.currency = currency
    return found


def fact_names(texts: Sequence[str], most: int) -> list[str]:
    """Names of facts out of a query, each text one or several by comma.

    Raises:
        InvalidError: There is no such fact, or there are more names than `most`.
    """
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    wrong = next((name for name in names if name not in get_args(Fact)), None)
    if wrong is not None:
        raise InvalidError("fields is not valid", expected=choices(wrong, get_args(Fact)), got=repr(wrong))
    return few(names, most, "fields")


def whole_item(served: Served, item_index: int) -> ItemOut:
    """All that is known of one item."""
    facts = served.facts
    return ItemOut(
        item_id=served.items.ids([item_index])[0],
        title=facts.title(item_index),
        category=facts.category(item_index),
        brand=facts.brand(item_index),
        price=facts.price(item_index),
        currency=facts.currency(item_index),
        available=bool(facts.available[item_index]),
        image=facts.image(item_index),
    )


def search(served: Served, query: str, category: str | None, max_words: int) -> Int32Array:
    """Items by words and category, the most popular first.

    Args:
        served: Whose items.
        query: Words that the title must all hold, in any case; or an item's id, a brand, a category. Empty for all.
        category: A category in any writing, or None.
        max_words: Most words.

    Returns:
        int32 [n] item indices.

    Raises:
        InvalidError: There are too many words, or no item lies in such a category.
    """
    words = query.split()
    check_number(words, max_words, "the words of query")
    check_category(served.facts, category)
    keep = served.on_shelf
    if words:
        titled = _titled(served.facts.titles, words, len(keep))
        titled[served.items.index(served.items.parse(query.strip()))] = True
        keep = keep & (titled | served.facts.in_category(query) | served.facts.of_brand(query))
    if category is not None:
        keep = keep & served.facts.in_category(category)
    return served.by_popularity[keep[served.by_popularity]]


def check_category(facts: ItemFacts, category: str | None, where: str = "category") -> None:
    """Refuses a category that names nothing, where one was given.

    Raises:
        InvalidError: No item lies in such a category.
    """
    if category is None or facts.category_names.named(category) is not None:
        return
    near = ", ".join(map(repr, facts.category_names.close_to(category)))
    raise InvalidError(
        f"{where} names no category of this shop",
        expected=f"one such as {near}" if near else "a catalog with categories",
        got=repr(category[:80]),
        remedy="/categories lists the upper ones",
    )


def check_filters(facts: ItemFacts, filters: FiltersIn) -> None:
    """Refuses filters that no item of any shopper could pass.

    Raises:
        InvalidError: The category names nothing, no price is known, or no item has a price in the range.
    """
    check_category(facts, filters.category, "filters.category")
    low, high = filters.price_min, filters.price_max
    if (low is not None or high is not None) and bool(np.isnan(facts.prices).all()):
        raise InvalidError("filters name a price, and no price is known here", remedy="give the catalog a column price")
    known = [] if facts.currencies is None else list(facts.currencies.values)
    if filters.currency is not None and not facts.priced_in(filters.currency).any():
        raise InvalidError(
            "no price is in this currency", expected=choices(filters.currency, known), got=filters.currency
        )
    if (low is not None or high is not None) and filters.currency is None and len(known) > 1:
        raise InvalidError("prices are in several currencies here", expected=f"currency, {choices('', known)}")
    if low is not None and high is not None and low > high:
        raise InvalidError("filters.price_min is above filters.price_max", got=f"{low:g} and {high:g}")
    if low is not None or high is not None:
        _check_range(
            facts.prices if filters.currency is None else facts.prices[facts.priced_in(filters.currency)], low, high
        )


def _check_range(prices: Float64Array, low: float | None, high: float | None) -> None:
    """Refuses a range of prices that holds none of those that there are (float64, NaN where unknown)."""
    inside = (prices >= (-np.inf if low is None else low)) & (prices <= (np.inf if high is None else high))
    if not inside.any():
        raise InvalidError(
            "no item has a price in this range", expected=f"{np.nanmin(prices):.12g} to {np.nanmax(prices):.12g}",
            got=f"{'any' if low is None else format(low, '.12g')} to {'any' if high is None else format(high, '.12g')}",
        )  # fmt: skip


def _titled(titles: pa.ChunkedArray | None, words: Sequence[str], size: int) -> BoolArray:
    import pyarrow.compute as pc

    keep = np.zeros(size, dtype=bool)
    if titles is None:
        return keep
    keep[1:] = True
    for word in dict.fromkeys(words):
        found = pc.fill_null(pc.match_substring(titles, word, ignore_case=True), False)
        keep[1:] &= found.to_numpy()
    return keep


def categories(served: Served) -> list[CategoryOut]:
    """The upper levels of the categories with their numbers of items, by name."""
    codes, names = served.facts.categories, served.facts.category_names
    sizes = np.bincount(codes.code[(codes.code >= 0) & served.on_shelf], minlength=len(codes.values))
    counts: dict[str, int] = {}
    for path, items in zip(codes.values, sizes.tolist(), strict=True):
        steps = path.split(CATEGORY_SEPARATOR)
        for depth in range(1, min(len(steps), MOST_LEVELS) + 1):
            name = names.spelling(CATEGORY_SEPARATOR.join(steps[:depth]))
            counts[name] = counts.get(name, 0) + items
    return [CategoryOut(name, counts[name]) for name in sorted(counts)]
