"""``/items`` and ``/categories``: the catalog, and items like an item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from fastapi import FastAPI, Request, Response
from msgspec import UNSET, Meta, Struct, UnsetType

from shopkeeper.errors import ShopkeeperError
from shopkeeper.pipeline.asking import Filters
from shopkeeper.pipeline.similar import SimilarKind
from shopkeeper.serving.answers import CategoriesOut, ItemOut, ItemsOut, SimilarItemOut, SimilarOut
from shopkeeper.serving.item_facts import CARD, categories, check_filters, fact_names, search, some_facts, whole_item
from shopkeeper.serving.openapi import described
from shopkeeper.serving.problems import InvalidError, NotFoundError
from shopkeeper.serving.reading import check_number, id_of_text, read_query
from shopkeeper.serving.requests import MAX_ID, WITHOUT_NUL, Amount, CategoryPath, FiltersIn, Length, SearchText, Word
from shopkeeper.serving.routes.replies import reply
from shopkeeper.serving.served import Served
from shopkeeper.serving.service import Service
from shopkeeper.types import Id

ITEM = {
    "item_id": "sku-004",
    "title": "Spade",
    "category": "Garden > Tools",
    "brand": None,
    "price": 4.99,
    "currency": "EUR",
    "available": True,
    "image": None,
}
SIMILAR = {
    "item_id": "sku-004",
    "kind": "similar",
    "source": "catalog",
    "meaning": "alike by category, title and brand",
    "unknown": {},
    "items": [{"item_id": "sku-005", "rank": 1, "score": 0.9, "item": {"title": "Rake", "price": 5.99}}],
}
CATEGORIES = {"categories": [{"category": "Garden", "items": 6}, {"category": "Garden > Tools", "items": 4}]}


IdText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ID, extra_json_schema=WITHOUT_NUL)]


class ItemsQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which items, and which of them."""

    query: SearchText = ""
    category: CategoryPath | None = None
    limit: Length = 20
    offset: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0


class SimilarQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """In which sense, how many, and which may come out."""

    k: Length = 10
    kind: Annotated[SimilarKind, Meta(description="What can stand in for the item, or what goes with it")] = "similar"
    category: CategoryPath | None = None
    price_min: Amount | UnsetType = UNSET
    price_max: Amount | UnsetType = UNSET
    currency: Word | None = None
    available: Annotated[bool, Meta(description="Only items on sale")] = True
    exclude: Annotated[list[IdText], Meta(description="Ids that must not come out; by comma, or the name again")] = []
    fields: Annotated[
        list[Word], Meta(description="Facts of each item, by comma; those of a card if none is named")
    ] = []


OF_ITEM = ("404", "422", "503")
GET_ITEMS = described("items", "Search items", ItemsOut, {"total": 1, "items": [ITEM]}, query=ItemsQuery)
GET_SIMILAR = described(
    "items", "Items like an item", SimilarOut, SIMILAR, query=SimilarQuery, path_id="item_id", failures=OF_ITEM
)
GET_ITEM = described("items", "One item", ItemOut, ITEM, path_id="item_id", failures=OF_ITEM)
GET_CATEGORIES = described("items", "Categories", CategoriesOut, CATEGORIES, failures=())


def add_item_routes(app: FastAPI, service: Service) -> None:
    """Adds the routes of items."""

    @app.get("/items", openapi_extra=GET_ITEMS)
    async def get_items(request: Request) -> Response:
        """Items by words of their title and by category, the most popular first."""
        asked = read_query(ItemsQuery, request.query_params)
        check_length(service, asked.limit, "limit")
        served = service.served
        found = await service.lookups.run(
            search, served, asked.query, asked.category, service.settings.max_search_words
        )
        page = found[asked.offset : asked.offset + asked.limit]
        return reply(ItemsOut(len(found), [whole_item(served, index) for index in page.tolist()]))

    @app.get("/items/{id:id}/similar", openapi_extra=GET_SIMILAR)
    async def get_similar(request: Request) -> Response:
        """Items that can stand in for this one, or, with `kind=together`, that go with it; best first.

        Items that are sold out do not come out, unless `available=false`. `source` and `meaning` say what answered.
        """
        asked = read_query(SimilarQuery, request.query_params)
        check_length(service, asked.k, "k")
        served = service.served
        item_id = known_item(service, served, request)
        kinds = service.store.kinds
        texts = [
            part for text in asked.exclude for part in ([text] if text in served.items else text.split(",")) if part
        ]
        check_number(texts, service.settings.max_given_history, "exclude")
        fields = fact_names(asked.fields, service.settings.max_fields) or CARD
        exclude = [id_of_text(text, kinds.item_integer, "exclude") for text in texts]
        return reply(await service.lookups.run(_similar, served, item_id, asked, exclude, fields))

    @app.get("/items/{id:id}", openapi_extra=GET_ITEM)
    async def get_item(request: Request) -> Response:
        """All that is known of one item."""
        served = service.served
        return reply(whole_item(served, served.items.index(known_item(service, served, request))))

    @app.get("/categories", openapi_extra=GET_CATEGORIES)
    async def get_categories(request: Request) -> Response:
        """The two upper levels of categories, with the number of items in each."""
        return reply(CategoriesOut(await service.lookups.run(categories, service.served)))


def check_length(service: Service, given: int, name: str) -> None:
    """Refuses a list that is longer than the service gives.

    Raises:
        InvalidError: It is.
    """
    if given > service.settings.max_k:
        raise InvalidError(f"{name} is not valid", expected=f"at most {service.settings.max_k}", got=str(given))


def known_item(service: Service, served: Served, request: Request) -> Id:
    """The item that the path names.

    Raises:
        InvalidError: It cannot be an id.
        NotFoundError: The bundle does not know it.
    """
    item_id = id_of_text(request.path_params["id"], service.store.kinds.item_integer, "the item id")
    if not served.on_shelf[served.items.index(item_id)]:
        raise NotFoundError("there is no such item", got=repr(item_id), remedy="/items lists what there is")
    return item_id


def _similar(served: Served, item_id: Id, asked: SimilarQuery, exclude: list[Id], fields: Sequence[str]) -> SimilarOut:
    given = FiltersIn(
        category=asked.category,
        price_min=None if asked.price_min is UNSET else asked.price_min,
        price_max=None if asked.price_max is UNSET else asked.price_max,
        available=asked.available,
        currency=asked.currency,
    )
    check_filters(served.facts, given)
    filters = Filters(given.category, given.price_min, given.price_max, given.available, currency=given.currency)
    index = served.items.index
    hidden = [*exclude, *served.items.ids(served.stand.removed)]
    try:
        found = served.bundle.similar_items([item_id], min(asked.k, len(served.items)), asked.kind, filters, hidden)
    except ShopkeeperError as error:
        raise NotFoundError("nothing here knows what items are like", got=error.problem, remedy=error.remedy) from error
    items = [
        SimilarItemOut(one.item_id, rank, one.score, some_facts(served.facts, index(one.item_id), fields))
        for rank, one in enumerate(found[0], start=1)
    ]
    unknown = [one for one in exclude if not index(one)]
    meaning = found.meanings[0] if found.meanings else ""
    return SimilarOut(item_id, asked.kind, found.source, meaning, {"exclude": unknown} if unknown else {}, items)
