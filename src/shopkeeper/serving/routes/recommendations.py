"""``POST /recommendations``: items for a shopper, as of the last event."""

from __future__ import annotations

from collections import Counter

from fastapi import FastAPI, Request, Response

from shopkeeper.serving.access.callers import check_own_user
from shopkeeper.serving.answers import RecommendationsOut
from shopkeeper.serving.item_facts import check_filters
from shopkeeper.serving.openapi import OF_BODY, described
from shopkeeper.serving.reading import read_body
from shopkeeper.serving.recommending import read_question
from shopkeeper.serving.requests import RecommendationsIn
from shopkeeper.serving.routes.replies import reply
from shopkeeper.serving.service import Service

ASKS = {
    "a shopper": {"user_id": "c7", "k": 10},
    "with reasons and facts": {"user_id": "c7", "k": 5, "explain": True, "fields": ["title", "price"]},
    "a history alone": {"history": ["sku-001", {"item_id": "sku-002", "event_type": "cart"}]},
    "a new shopper's interests": {"interests": ["Garden > Tools", "Kitchen"], "k": 6},
    "with filters": {
        "user_id": "c7",
        "placement": "cart",
        "exclude": ["sku-001"],
        "filters": {"category": "Garden", "price_max": 20},
    },
}
ANSWER = {
    "recommendation_id": "0b6ff1c1f6f04b2e8d4a3f3d1f0a9b11",
    "user_id": "c7",
    "known": True,
    "model": "Pipeline(SASRec + Transitions)",
    "bundle": "5f1d0c2a9b3e",
    "source": "SASRec",
    "fallback": 0,
    "ignored": [],
    "unknown": {},
    "items": [
        {
            "item_id": "sku-004",
            "rank": 1,
            "score": 3.2,
            "source": "SASRec",
            "reason": {
                "kind": "because_viewed",
                "text": "because you viewed Garden fork",
                "item_ids": ["sku-003"],
                "category": None,
                "weight": 0.7,
            },
            "item": {"title": "Spade", "price": 4.99},
        }
    ],
}


POST_RECOMMENDATIONS = described(
    "recommendations", "Recommend items", RecommendationsOut, ANSWER, (RecommendationsIn, ASKS), failures=OF_BODY
)


def add_recommendation_routes(app: FastAPI, service: Service) -> None:
    """Adds the routes of recommendations."""
    settings = service.settings

    @app.post("/recommendations", openapi_extra=POST_RECOMMENDATIONS)
    async def post_recommendations(request: Request) -> Response:
        """Items for a shopper, best first: from the bundle, and from every event that was stored before.

        A shopper of whom nothing is known gets what is popular, in their interests first where some are named; `source`
        and `fallback` say where the items come from. A category is found in any writing; `unknown` lists interests,
        items to exclude and a placement that name nothing, and a filter that no item can pass is refused.
        """
        body = await read_body(request, settings.max_body_bytes)
        question = read_question(body, service.store.kinds, settings)
        check_own_user(request.scope, (question.given.user_id,))
        check_filters(service.served.facts, question.given.filters)
        answered = await service.recommend(question)
        for source, items in Counter(answered.record.sources).items():
            service.metrics.recommended(source, items)
        service.metrics.fallback_items.inc(answered.record.fallback)
        return reply(answered.out)
