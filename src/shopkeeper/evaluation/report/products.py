"""Items as a person knows them: title, category, price; the id where the catalog knows no more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.schema import BRAND, CATEGORY, CATEGORY_SEPARATOR, CURRENCY, ITEM_ID, PRICE, TITLE
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.types import Id

LONGEST_TITLE = 60
STEP = " \u203a "
"""Between the steps of a category as shown."""


class Product(NamedTuple):
    """One item.

    Attributes:
        item_id: As the shop writes it.
        title: Title, or the id where there is none.
        detail: Category and brand in short, perhaps empty.
        price: Price of one unit, or None.
        currency: Of the price, perhaps empty.
    """

    item_id: Id
    title: str
    detail: str
    price: float | None
    currency: str = ""


def products(catalog: Catalog | None, item_ids: Iterable[Id]) -> dict[Id, Product]:
    """Looks items up in the catalog.

    Args:
        catalog: The catalog, or None.
        item_ids: Ids wanted; repeats are fine.

    Returns:
        A product for each id.
    """
    wanted = list(dict.fromkeys(item_ids))
    found: dict[Id, dict[str, Any]] = {}
    if catalog is not None and wanted:
        places = Vocabulary(wanted).indices(catalog.table.column(ITEM_ID))
        columns = [
            name for name in (ITEM_ID, TITLE, CATEGORY, BRAND, PRICE, CURRENCY) if name in catalog.table.column_names
        ]
        rows = catalog.table.select(columns).take(places.nonzero()[0]).to_pylist()
        found = {row[ITEM_ID]: row for row in rows}
    return {item: _product(item, found.get(item, {})) for item in wanted}


def _product(item_id: Id, row: dict[str, Any]) -> Product:
    title = str(row.get(TITLE) or item_id)
    if len(title) > LONGEST_TITLE:
        title = title[: LONGEST_TITLE - 1].rstrip() + "…"
    parts = [_category(row.get(CATEGORY), title), str(row.get(BRAND) or "")]
    price = row.get(PRICE)
    return Product(
        item_id,
        title,
        " · ".join(part for part in parts if part),
        None if price is None else float(price),
        str(row.get(CURRENCY) or ""),
    )


def _category(path: object, title: str) -> str:
    """The last two steps of a category path, without what the title says already."""
    if path is None:
        return ""
    steps = [str(step) for step in path] if isinstance(path, list | tuple) else str(path).split(CATEGORY_SEPARATOR)
    new = [step.strip() for step in steps if step.strip().casefold() not in title.casefold()]
    return STEP.join(step.capitalize() if step.isupper() else step for step in new[-2:])
