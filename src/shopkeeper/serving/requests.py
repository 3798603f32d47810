"""What the service is asked: the bodies of requests, checked while they are read."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from shopkeeper.data.schema import EVENT_TYPE_ALIASES

LARGEST = 2**63 - 1
MAX_ID = 512
"""Most characters of an id."""

WITHOUT_NUL: Final = {"pattern": "^[^\\u0000]*$"}
"""What the description says of texts; the check itself is in `reading`."""
MOMENT: Final = {"format": "date-time"}
EVENT_TYPE: Final = {"enum": sorted(EVENT_TYPE_ALIASES)}
"""In the description; other ways to write these words, such as "Add-to-Cart", are understood too."""
AnyId: TypeAlias = (
    Annotated[int, Meta(ge=-(2**63), le=LARGEST)]
    | Annotated[str, Meta(min_length=1, max_length=MAX_ID, extra_json_schema=WITHOUT_NUL)]
)
"""An id as the shop writes it; which of the two is right depends on the shop."""
Word: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128, extra_json_schema=WITHOUT_NUL)]
CategoryPath: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024, extra_json_schema=WITHOUT_NUL)]
SearchText: TypeAlias = Annotated[str, Meta(max_length=256, extra_json_schema=WITHOUT_NUL)]
ItemText: TypeAlias = Annotated[str, Meta(max_length=20_000, extra_json_schema=WITHOUT_NUL)]
EventWord: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, extra_json_schema=EVENT_TYPE)]
Amount: TypeAlias = Annotated[float, Meta(ge=0, le=1e12)]
Moment: TypeAlias = (
    Annotated[float, Meta(ge=0, le=253_402_300_799)] | Annotated[str, Meta(max_length=64, extra_json_schema=MOMENT)]
)
"""Seconds since 1970, or ISO 8601; UTC where no zone is written."""
Fact: TypeAlias = Literal["title", "category", "brand", "price", "currency", "image", "available"]
Length: TypeAlias = Annotated[int, Meta(ge=1, le=10_000)]


class EventIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """One thing that a shopper did."""

    user_id: AnyId
    item_id: AnyId
    event_type: EventWord
    event_id: Annotated[Word | None, Meta(description="The same id again changes nothing; made where it is absent")] = (
        None
    )
    timestamp: Annotated[Moment | None, Meta(description="Seconds since 1970 or ISO 8601; now where absent")] = None
    session_id: Word | None = None
    quantity: Amount | None = None
    price: Annotated[Amount | None, Meta(description="Price of one piece")] = None
    placement: Annotated[Word | None, Meta(description="Where on the page the item stood")] = None
    recommendation_id: Annotated[Word | None, Meta(description="The answer that showed the item")] = None
    position: Annotated[
        Annotated[int, Meta(ge=0, le=2**31 - 1)] | None, Meta(description="Its rank in that answer")
    ] = None


class ItemFactsIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """What is said of an item; what is left out stays as it is, null is not known any more."""

    title: ItemText | UnsetType | None = UNSET
    description: ItemText | UnsetType | None = UNSET
    brand: ItemText | UnsetType | None = UNSET
    category: Annotated[
        ItemText | UnsetType | None, Meta(description="A path from the widest step on: Beauty > Hair")
    ] = UNSET
    price: Amount | UnsetType | None = UNSET
    currency: Annotated[ItemText | UnsetType | None, Meta(description="Of the price: EUR")] = UNSET
    image: Annotated[ItemText | UnsetType | None, Meta(description="Address of its picture")] = UNSET
    available: Annotated[bool | UnsetType | None, Meta(description="Whether it is on sale")] = UNSET
    attributes: Annotated[
        Annotated[dict[Word, ItemText | float | bool | None], Meta(max_length=100)] | UnsetType,
        Meta(description="Columns of the shop's own"),
    ] = UNSET


class ItemIn(ItemFactsIn, kw_only=True, forbid_unknown_fields=True):
    """An item that is new, comes back, or changed."""

    item_id: AnyId


class PastEvent(Struct, kw_only=True, forbid_unknown_fields=True):
    """One event of a history that the request itself gives."""

    item_id: AnyId
    event_type: EventWord | None = None
    timestamp: Moment | None = None
    quantity: Amount | None = None
    placement: Annotated[Word | None, Meta(description="Where on the page the item stood")] = None


class FiltersIn(Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """Which items may come out; all must be met."""

    category: (
        Annotated[
            str, Meta(min_length=1, max_length=1024, description="A category or one above: Beauty > Hair, beauty/hair")
        ]
        | None
    ) = None
    price_min: Amount | None = None
    price_max: Amount | None = None
    currency: Annotated[Word | None, Meta(description="Of the prices, in a shop that has several: EUR")] = None
    available: Annotated[bool, Meta(description="Only items on sale")] = True
    in_cart: Annotated[bool, Meta(description="Also items that lie in the cart")] = False
    hide: Annotated[
        Literal["bought", "seen", "none"] | None,
        Meta(description="Which of the shopper's own items do not come out; null does what the log suggests"),
    ] = None
    hide_after: Annotated[
        Annotated[float, Meta(ge=0, le=100_000)] | None,
        Meta(
            description="Days after which a hidden item may come out again; null hides for ever, or as the log suggests"
        ),
    ] = None
    hide_seen: Annotated[bool | None, Meta(description="The older way to say hide: true is seen, false is none")] = None


class PredictionsIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A question: a shopper, or a history that stands for one, and items."""

    user_id: AnyId | None = None
    history: Annotated[
        list[AnyId | PastEvent] | None, Meta(description="Item ids or events, oldest first; in place of the shopper's")
    ] = None
    item_ids: Annotated[list[AnyId], Meta(description="The items that are asked about")] = []
    targets: Annotated[
        Annotated[list[Word], Meta(max_length=50)], Meta(description="purchase, cart ...; all that there are if empty")
    ] = []
    at: Annotated[Moment | None, Meta(description="As of when: only earlier events count; now where absent")] = None
    moment: Annotated[
        Literal["any", "visit"],
        Meta(description="What that moment is: any, or a visit of the shopper, who is in the shop then"),
    ] = "any"
    placement: Annotated[Word | None, Meta(description="Where on the page the items stand")] = None
    explain: Annotated[bool, Meta(description="Say what speaks for and against")] = False


class RecommendationsIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A question: a shopper, a history, or both (the history then stands for the shopper's own)."""

    user_id: AnyId | None = None
    history: Annotated[
        list[AnyId | PastEvent] | None,
        Meta(description="Item ids or events, oldest first; all of them count for what is hidden"),
    ] = None
    interests: Annotated[
        Annotated[list[CategoryPath], Meta(max_length=50)],
        Meta(description="Categories that a shopper of whom nothing is known is said to like, in any writing"),
    ] = []
    k: Annotated[Length, Meta(description="How many items")] = 10
    placement: Word | None = None
    exclude: list[AnyId] = []
    filters: FiltersIn = FiltersIn()
    explain: Annotated[bool, Meta(description="Give a reason for each item")] = False
    fields: Annotated[list[Fact], Meta(description="Facts to add to each item")] = []
