"""Column names, event types and their aliases: the only place that spells them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shopkeeper.errors import DataError, choices

USER_ID: Final = "user_id"
ITEM_ID: Final = "item_id"
EVENT_TYPE: Final = "event_type"
TIMESTAMP: Final = "timestamp"
SESSION_ID: Final = "session_id"
QUANTITY: Final = "quantity"
PRICE: Final = "price"
PLACEMENT: Final = "placement"
RECOMMENDATION_ID: Final = "recommendation_id"
POSITION: Final = "position"

REQUIRED_EVENT_COLUMNS: Final = (USER_ID, ITEM_ID, EVENT_TYPE, TIMESTAMP)
OPTIONAL_EVENT_COLUMNS: Final = (SESSION_ID, QUANTITY, PRICE, PLACEMENT, RECOMMENDATION_ID, POSITION)
EVENT_COLUMNS: Final = REQUIRED_EVENT_COLUMNS + OPTIONAL_EVENT_COLUMNS

ROW: Final = "row"
"""Number of a row in its source, from 0; breaks ties of time and names a row in reports."""

TITLE: Final = "title"
DESCRIPTION: Final = "description"
BRAND: Final = "brand"
CATEGORY: Final = "category"
CURRENCY: Final = "currency"
IMAGE: Final = "image"
PARENT_ID: Final = "parent_id"
AVAILABLE: Final = "available"
CREATED_AT: Final = "created_at"

CATALOG_COLUMNS: Final = (
    ITEM_ID,
    TITLE,
    DESCRIPTION,
    BRAND,
    CATEGORY,
    PRICE,
    CURRENCY,
    IMAGE,
    PARENT_ID,
    AVAILABLE,
    CREATED_AT,
)
CATEGORY_SEPARATOR: Final = " > "
"""Between the steps of a category path."""

USER_INDEX: Final = "user_index"
ITEM_INDEX: Final = "item_index"
PADDING: Final = 0
"""The index that means no item, or an unknown one."""


class EventType(StrEnum):
    """What a shopper did; what shows interest comes weakest first.

    The position in this list is the code stored on disk, so that a new type goes to the end.
    """

    IMPRESSION = "impression"
    VIEW = "view"
    LIKE = "like"
    CART = "cart"
    PURCHASE = "purchase"
    RETURN = "return"
    REMOVE_FROM_CART = "remove_from_cart"

    @property
    def code(self) -> int:
        """The number from 1 that stands for this type in `Dataset`; 0 is padding."""
        return EVENT_TYPES.index(self) + 1


EVENT_TYPES: Final = tuple(EventType)
INTEREST_TYPES: Final = (EventType.VIEW, EventType.LIKE, EventType.CART, EventType.PURCHASE)
"""Events that say that a shopper wants an item: histories and targets are made of these."""
READ_CODES: Final = EventType.RETURN.code + 1
"""Codes below this have a row in the tables of networks; later types are of no interest to them, and networks saved
before these existed stay valid."""

EVENT_TYPE_ALIASES: Final[dict[str, EventType]] = {
    "impression": EventType.IMPRESSION,
    "impressions": EventType.IMPRESSION,
    "exposure": EventType.IMPRESSION,
    "show": EventType.IMPRESSION,
    "view": EventType.VIEW,
    "views": EventType.VIEW,
    "click": EventType.VIEW,
    "clicks": EventType.VIEW,
    "pv": EventType.VIEW,
    "page_view": EventType.VIEW,
    "pageview": EventType.VIEW,
    "product_view": EventType.VIEW,
    "detail_page_view": EventType.VIEW,
    "view_item": EventType.VIEW,
    "like": EventType.LIKE,
    "fav": EventType.LIKE,
    "favorite": EventType.LIKE,
    "favourite": EventType.LIKE,
    "wishlist": EventType.LIKE,
    "add_to_wishlist": EventType.LIKE,
    "collect": EventType.LIKE,
    "rating": EventType.LIKE,
    "review": EventType.PURCHASE,
    "cart": EventType.CART,
    "add_to_cart": EventType.CART,
    "addtocart": EventType.CART,
    "basket": EventType.CART,
    "add_to_basket": EventType.CART,
    "purchase": EventType.PURCHASE,
    "purchases": EventType.PURCHASE,
    "purchase_complete": EventType.PURCHASE,
    "transaction": EventType.PURCHASE,
    "order": EventType.PURCHASE,
    "buy": EventType.PURCHASE,
    "sale": EventType.PURCHASE,
    "return": EventType.RETURN,
    "returns": EventType.RETURN,
    "refund": EventType.RETURN,
    "cancel": EventType.RETURN,
    "remove_from_cart": EventType.REMOVE_FROM_CART,
    "removefromcart": EventType.REMOVE_FROM_CART,
    "removed_from_cart": EventType.REMOVE_FROM_CART,
    "remove_cart": EventType.REMOVE_FROM_CART,
    "cart_remove": EventType.REMOVE_FROM_CART,
    "cart_removal": EventType.REMOVE_FROM_CART,
    "delete_from_cart": EventType.REMOVE_FROM_CART,
    "cart_delete": EventType.REMOVE_FROM_CART,
    "remove_from_basket": EventType.REMOVE_FROM_CART,
    "basket_remove": EventType.REMOVE_FROM_CART,
    "remove_from_bag": EventType.REMOVE_FROM_CART,
    "product_removed": EventType.REMOVE_FROM_CART,
    "product_removed_from_cart": EventType.REMOVE_FROM_CART,
    "uncart": EventType.REMOVE_FROM_CART,
}
"""Words of other systems, in lower case with underscores, and what they mean here."""

COLUMN_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    USER_ID: ("user", "userid", "visitorid", "visitor_id", "customer_id", "customerid", "customer", "household_id",
              "shopper_id", "member_id"),
    ITEM_ID: ("item", "itemid", "product_id", "productid", "product", "sku", "stockcode", "stock_code", "asin",
              "article_id", "goods_id"),
    EVENT_TYPE: ("event", "eventtype", "behavior", "behaviour", "behavior_type", "behaviour_type", "action", "type"),
    TIMESTAMP: ("time", "datetime", "event_time", "eventtime", "ts", "date", "created", "transaction_timestamp",
                "invoicedate", "invoice_date"),
    SESSION_ID: ("session", "sessionid", "basket_id", "order_id", "invoiceno", "invoice_no", "invoice", "visit_id"),
    QUANTITY: ("qty", "count", "units", "amount"),
    PRICE: ("unit_price", "unitprice", "item_price"),
    PLACEMENT: ("slot", "widget", "page"),
    RECOMMENDATION_ID: ("reco_id", "recommendationid"),
    POSITION: ("rank",),
    TITLE: ("name", "product_name", "item_name", "product_title"),
    DESCRIPTION: ("desc", "product_description", "text"),
    BRAND: ("manufacturer", "vendor", "label"),
    CATEGORY: ("categories", "category_path", "product_category", "category_id", "department"),
    CURRENCY: ("currency_code", "price_currency", "currencycode"),
    IMAGE: ("image_url", "image_link", "picture", "photo"),
    PARENT_ID: ("item_group_id", "parent", "parent_asin", "product_group"),
    AVAILABLE: ("in_stock", "availability", "stock"),
    CREATED_AT: ("created", "listed_at", "launch_date"),
}  # fmt: skip
"""Column names of other systems, in lower case, for each of ours."""


def event_type_of(word: str) -> EventType:
    """The event type that a word of some shop's log means.

    Args:
        word: For example ``"detail-page-view"`` or ``"Purchase"``.

    Raises:
        DataError: The word is not known.
    """
    key = word.strip().lower().replace("-", "_").replace(" ", "_")
    if key not in EVENT_TYPE_ALIASES:
        raise DataError(
            f"unknown event type {word!r}",
            expected=choices(key, [event.value for event in EVENT_TYPES]) + ", or a common alias",
            remedy="map it with --event-type-map WORD=TYPE",
        )
    return EVENT_TYPE_ALIASES[key]
