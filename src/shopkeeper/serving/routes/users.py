"""``/users``: shoppers, what they did, and forgetting them."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from msgspec import Struct

from shopkeeper.serving.answers import ForgottenOut, HistoryOut, UsersOut
from shopkeeper.serving.openapi import described
from shopkeeper.serving.reading import id_of_text, read_query
from shopkeeper.serving.requests import Length, SearchText
from shopkeeper.serving.routes.items import check_length
from shopkeeper.serving.routes.replies import reply
from shopkeeper.serving.service import Service
from shopkeeper.serving.shoppers import history_of, some_shoppers
from shopkeeper.types import Id

HISTORY = {
    "user_id": "c7",
    "known": True,
    "events": [
        {
            "item_id": "sku-003",
            "event_type": "view",
            "timestamp": "2025-03-01T09:00:00+00:00",
            "item": {"title": "Garden fork", "category": "Garden > Tools", "price": 3.99},
        }
    ],
}


class UsersQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which shoppers."""

    query: SearchText = ""
    limit: Length = 20


class HistoryQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """How many events."""

    limit: Length = 50


USERS = {
    "users": [{"user_id": "c7", "events": 12, "last_seen": "2025-03-01T09:00:00+00:00", "category": "Garden > Tools"}]
}
FORGOTTEN = {"user_id": "c7", "events": 12, "answers": 3}
GET_USERS = described("users", "Some shoppers", UsersOut, USERS, query=UsersQuery)
GET_USER = described("users", "What a shopper did", HistoryOut, HISTORY, query=HistoryQuery, path_id="user_id")
DELETE_USER = described("users", "Forget a shopper", ForgottenOut, FORGOTTEN, path_id="user_id")


def add_user_routes(app: FastAPI, service: Service) -> None:
    """Adds the routes of shoppers."""

    @app.get("/users", openapi_extra=GET_USERS)
    async def get_users(request: Request) -> Response:
        """Some shoppers to pick from, those with most events first; `query` is a part of the id."""
        asked = read_query(UsersQuery, request.query_params)
        check_length(service, asked.limit, "limit")
        return reply(UsersOut(await service.lookups.run(some_shoppers, service.served, asked.query, asked.limit)))

    @app.get("/users/{id:id}", openapi_extra=GET_USER)
    async def get_user(request: Request) -> Response:
        """The latest events that answers for this shopper are made from, newest first."""
        asked = read_query(HistoryQuery, request.query_params)
        check_length(service, asked.limit, "limit")
        return reply(history_of(service.served, _user_id(service, request), asked.limit))

    @app.delete("/users/{id:id}", openapi_extra=DELETE_USER)
    async def delete_user(request: Request) -> Response:
        """Deletes all that is stored of a shopper, and uses what the bundle holds of them no more.

        Other workers follow within a second. The next bundle is trained without this shopper.
        """
        user_id = _user_id(service, request)
        deleted = await service.forget(user_id)
        return reply(ForgottenOut(user_id, deleted.events, deleted.answers))


def _user_id(service: Service, request: Request) -> Id:
    return id_of_text(request.path_params["id"], service.store.kinds.user_integer, "the user id")
