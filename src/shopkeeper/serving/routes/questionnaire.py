"""``GET /questionnaire``: a few items to ask a new shopper about."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Request, Response
from msgspec import Meta, Struct

from shopkeeper.pipeline.questionnaire import questionnaire
from shopkeeper.serving.answers import QuestionnaireOut
from shopkeeper.serving.item_facts import check_category, whole_item
from shopkeeper.serving.openapi import described
from shopkeeper.serving.reading import read_query
from shopkeeper.serving.requests import CategoryPath
from shopkeeper.serving.routes.items import ITEM
from shopkeeper.serving.routes.replies import reply
from shopkeeper.serving.served import Served
from shopkeeper.serving.service import Service


class QuestionnaireQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """How many items, and of which part of the shop."""

    n: Annotated[int, Meta(ge=1, le=100, description="How many items")] = 10
    category: CategoryPath | None = None


GET_QUESTIONNAIRE = described(
    "recommendations", "Items to ask a new shopper about", QuestionnaireOut, {"items": [ITEM]},
    query=QuestionnaireQuery,
)  # fmt: skip


def add_questionnaire_routes(app: FastAPI, service: Service) -> None:
    """Adds the route of the questionnaire."""

    @app.get("/questionnaire", openapi_extra=GET_QUESTIONNAIRE)
    async def get_questionnaire(request: Request) -> Response:
        """Items that tell most about a shopper: of which most shoppers know one, and together as many as possible.

        Those that the shopper picks are the `history` of the next question to `/recommendations`.
        """
        asked = read_query(QuestionnaireQuery, request.query_params)
        return reply(await service.lookups.run(_chosen, service.served, asked))


def _chosen(served: Served, asked: QuestionnaireQuery) -> QuestionnaireOut:
    check_category(served.facts, asked.category)
    allowed = served.on_shelf & served.facts.available
    if asked.category is not None:
        allowed = allowed & served.facts.in_category(asked.category)
    taken = served.log.taken_items
    chosen = questionnaire(taken, allowed[: taken.shape[1]], asked.n)
    return QuestionnaireOut([whole_item(served, index) for index in chosen.tolist()])
