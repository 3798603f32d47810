"""``/items`` and ``/categories``: the catalog, and items like an item."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Request, Response
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool

from shopkeeper.errors import ShopkeeperError
from shopkeeper.serving.answers import CategoriesOut, ItemOut, ItemsOut, SimilarItemOut, SimilarOut
from shopkeeper.serving.item_facts import categories, search, some_facts, whole_item
from shopkeeper.serving.openapi import described
from shopkeeper.serving.problems import InvalidError, NotFoundError
from shopkeeper.serving.reading import id_of_text, read_query
from shopkeeper.serving.requests import CategoryPath, Length, SearchText
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
    "available": True,
    "image": None,
}
SIMILAR = {
    "item_id": "sku-004",
    "items": [{"item_id": "sku-005", "rank": 1, "score": 0.9, "item": {"title": "Rake", "price": 5.99}}],
}
CATEGORIES = {"categories": [{"category": "Garden", "items": 6}, {"category": "Garden > Tools", "items": 4}]}


class ItemsQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which items, and which of them."""

    query: SearchText = ""
    category: CategoryPath | None = None
    limit: Length = 20
    offset: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0


class SimilarQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """How many items."""

    k: Length = 10


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
        found = await run_in_threadpool(search, served, asked.query, asked.category)
        page = found[asked.offset : asked.offset + asked.limit]
        return reply(ItemsOut(len(found), [whole_item(served, index) for index in page.tolist()]))

    @app.get("/items/{id:id}/similar", openapi_extra=GET_SIMILAR)
    async def get_similar(request: Request) -> Response:
        """Items that the model finds like this one, most similar first."""
        asked = read_query(SimilarQuery, request.query_params)
        check_length(service, asked.k, "k")
        served = service.served
        item_id = known_item(service, served, request)
        return reply(await run_in_threadpool(_similar, served, item_id, asked.k))

    @app.get("/items/{id:id}", openapi_extra=GET_ITEM)
    async def get_item(request: Request) -> Response:
        """All that is known of one item."""
        served = service.served
        return reply(whole_item(served, served.items.index(known_item(service, served, request))))

    @app.get("/categories", openapi_extra=GET_CATEGORIES)
    async def get_categories(request: Request) -> Response:
        """The two upper levels of categories, with the number of items in each."""
        return reply(CategoriesOut(await run_in_threadpool(categories, service.served)))


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


def _similar(served: Served, item_id: Id, k: int) -> SimilarOut:
    try:
        found = served.bundle.similar_items([item_id], min(k + len(served.stand.removed), len(served.items)))[0]
    except ShopkeeperError as error:
        raise NotFoundError("this model knows no likeness of items", remedy="train one that does") from error
    index = served.items.index
    there = [one for one in found if served.on_shelf[index(one.item_id)]][:k]
    items = [
        SimilarItemOut(one.item_id, rank, one.score, some_facts(served.facts, index(one.item_id)))
        for rank, one in enumerate(there, start=1)
    ]
    return SimilarOut(item_id, items)
