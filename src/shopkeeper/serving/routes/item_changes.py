"""``POST /items``, ``PATCH`` and ``DELETE /items/{id}``: goods that come, change and go. Answered when they count."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from shopkeeper.serving.answers import ItemChangedOut, ItemRemovedOut, ItemsChangedOut
from shopkeeper.serving.failures import failure
from shopkeeper.serving.live_items.intake import ItemIntake
from shopkeeper.serving.live_items.shelf import Outcome
from shopkeeper.serving.openapi import ITEMS, OF_BODY, described
from shopkeeper.serving.problems import MethodError
from shopkeeper.serving.reading import id_of_text, read_body
from shopkeeper.serving.requests import ItemFactsIn
from shopkeeper.serving.routes.replies import reply
from shopkeeper.serving.service import Service
from shopkeeper.types import Id

NEW = {"item_id": "sku-900", "title": "Garden spade, steel", "category": "Garden > Tools", "price": 14.5}
POSTS = {
    "one item": NEW,
    "several items": [NEW, {"item_id": "sku-004", "available": True, "attributes": {"color": "red"}}],
}
CHANGED = {"item_id": "sku-900", "new": True, "placed": "text", "like": ["sku-004", "sku-003"], "note": None}
PATCHES = {"a price": {"price": 12.0}, "sold out": {"available": False}, "another title": {"title": "Garden spade"}}

POST_ITEMS = described(
    "items", "Add or change items", ItemsChangedOut, {"items": [CHANGED]}, (ITEMS, POSTS), failures=OF_BODY
)
PATCH_ITEM = described(
    "items", "Change an item", ItemChangedOut, CHANGED, (ItemFactsIn, PATCHES), path_id="item_id",
    failures=("404", *OF_BODY),
)  # fmt: skip
DELETE_ITEM = described(
    "items", "Remove an item", ItemRemovedOut, {"item_id": "sku-900", "removed": True}, path_id="item_id",
    failures=("404", "422", "503"),
)  # fmt: skip


def add_item_change_routes(app: FastAPI, service: Service) -> None:
    """Adds the routes that change items."""
    intake = ItemIntake(service.store.kinds, service.settings.max_batch)

    @app.post("/items", openapi_extra=POST_ITEMS)
    async def post_items(request: Request) -> Response:
        """Adds one item or a list of them, or changes those that are there: all or none.

        A new item can be recommended when this answers, without retraining. `placed` says by what: its `text` (it is
        scored like the items in `like`), its `category`, or `nothing`; `known` is an item that the models learned.
        """
        body = await read_body(request, service.settings.max_body_bytes)
        outcomes = await service.change_items(intake.posted(body))
        return reply(ItemsChangedOut([_changed(service, outcome) for outcome in outcomes]))

    @app.api_route("/items/{item:id}/similar", methods=["PATCH", "DELETE"], include_in_schema=False)
    async def change_similar(request: Request) -> Response:
        """Refuses what would else change an item whose id ends in ``/similar``."""
        error = MethodError(f"this address does not answer {request.method}", remedy="/openapi.json lists what does")
        return failure(error, error.status, {"Allow": "GET"})

    @app.patch("/items/{id:id}", openapi_extra=PATCH_ITEM)
    async def patch_item(request: Request) -> Response:
        """Changes facts of an item; what is left out stays as it is. Price and availability count at once."""
        item_id = _item_id(service, request)
        body = await read_body(request, service.settings.max_body_bytes)
        return reply(_changed(service, (await service.change_items(intake.patched(item_id, body)))[0]))

    @app.delete("/items/{id:id}", openapi_extra=DELETE_ITEM)
    async def delete_item(request: Request) -> Response:
        """Removes an item: it comes out no more, of this bundle and of later ones, until it is posted again.

        Histories that hold it stay as they are.
        """
        item_id = _item_id(service, request)
        await service.change_items(intake.removed(item_id))
        service.metrics.item_change("removed")
        return reply(ItemRemovedOut(item_id, True))


def _changed(service: Service, outcome: Outcome) -> ItemChangedOut:
    place = outcome.place
    placed = "known" if place is None else place.how
    service.metrics.item_change(placed)
    note = None if place is None else place.note
    return ItemChangedOut(outcome.item_id, place is not None, placed, outcome.like, note)


def _item_id(service: Service, request: Request) -> Id:
    return id_of_text(request.path_params["id"], service.store.kinds.item_integer, "the item id")
