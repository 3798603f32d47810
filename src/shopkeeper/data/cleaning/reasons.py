"""Why an event is not kept: every reason that a cleaning step can give, with the sentence that explains it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

KEPT: Final = 0
"""The code of an event that stays."""


class Reason(StrEnum):
    """A reason; its position in this list, from 1, is its code inside."""

    MISSING_USER = "missing_user"
    MISSING_ITEM = "missing_item"
    MISSING_TIME = "missing_time"
    UNKNOWN_EVENT_TYPE = "unknown_event_type"
    IMPOSSIBLE_TIME = "impossible_time"
    DROPPED_ITEM = "dropped_item"
    NOT_A_PRODUCT = "not_a_product"
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near_duplicate"
    BOT = "bot"
    IMPOSSIBLE_QUANTITY = "impossible_quantity"
    IMPOSSIBLE_PRICE = "impossible_price"
    QUANTITY_OUTLIER = "quantity_outlier"
    PRICE_OUTLIER = "price_outlier"
    RETURNED = "returned"
    RETURN_NETTED = "return_netted"
    RETURN_WITHOUT_PURCHASE = "return_without_purchase"
    RARE_USER = "rare_user"
    RARE_ITEM = "rare_item"

    @property
    def code(self) -> int:
        """The number from 1 that stands for this reason in arrays of `uint8`; 0 is an event that stays."""
        return REASONS.index(self) + 1

    @property
    def explanation(self) -> str:
        """One sentence for people."""
        return EXPLANATIONS[self]


REASONS: Final = tuple(Reason)
EXPLANATIONS: Final[dict[Reason, str]] = {
    Reason.MISSING_USER: "No shopper is named, so the event belongs to no history.",
    Reason.MISSING_ITEM: "No item is named.",
    Reason.MISSING_TIME: "The time is missing or could not be read.",
    Reason.UNKNOWN_EVENT_TYPE: "The event type is missing or a word that is not known; map it to keep such events.",
    Reason.IMPOSSIBLE_TIME: "The time lies before any shop's log began, or in the future.",
    Reason.DROPPED_ITEM: "The item is one of those that the settings leave out.",
    Reason.NOT_A_PRODUCT: "The item is not a product: postage, fees, adjustments, vouchers, test entries.",
    Reason.DUPLICATE: "An earlier row says exactly the same.",
    Reason.NEAR_DUPLICATE: "The same shopper did the same to the same item moments before: fired twice.",
    Reason.BOT: "The shopper acts more often in a day than people do.",
    Reason.IMPOSSIBLE_QUANTITY: "The quantity is zero or negative.",
    Reason.IMPOSSIBLE_PRICE: "The price is negative.",
    Reason.QUANTITY_OUTLIER: "The quantity lies far outside of what is usual in this log.",
    Reason.PRICE_OUTLIER: "The price lies far outside of what is usual in this log.",
    Reason.RETURNED: "The purchase was returned whole.",
    Reason.RETURN_NETTED: "The return was set off against earlier purchases of the same item by the same shopper.",
    Reason.RETURN_WITHOUT_PURCHASE: "No earlier purchase of this item by this shopper is in the log.",
    Reason.RARE_USER: "The shopper has too few events in training.",
    Reason.RARE_ITEM: "The item has too few events in training.",
}
