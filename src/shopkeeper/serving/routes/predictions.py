"""``POST /predictions``: how likely a shopper does something with each of some items, as of the last event."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from shopkeeper.serving.answers import PredictionsOut
from shopkeeper.serving.openapi import OF_BODY, described
from shopkeeper.serving.predicting import read_prediction
from shopkeeper.serving.reading import read_body
from shopkeeper.serving.requests import PredictionsIn
from shopkeeper.serving.routes.replies import reply
from shopkeeper.serving.service import Service

ASKS = {
    "a shopper and items": {"user_id": "c7", "item_ids": ["sku-001", "sku-002"]},
    "one target, with reasons": {"user_id": "c7", "item_ids": ["sku-001"], "targets": ["purchase"], "explain": True},
    "a history alone": {"history": ["sku-001", {"item_id": "sku-002", "event_type": "cart"}], "item_ids": ["sku-003"]},
    "as of a moment": {"user_id": "c7", "item_ids": ["sku-001"], "at": "2025-03-01T09:00:00Z", "placement": "home"},
}
ANSWER = {
    "user_id": "c7",
    "known": True,
    "bundle": "5f1d0c2a9b3e",
    "at": "2025-03-01T09:00:00+00:00",
    "events": 12,
    "targets": [
        {
            "target": "purchase",
            "kind": "probability",
            "horizon": "within 7 days",
            "model": "GradientBoosting",
            "of_items": True,
            "moment": "any",
            "extrapolated": False,
        }
    ],
    "shopper": {},
    "items": [
        {
            "item_id": "sku-001",
            "predictions": {"purchase": 0.031},
            "reasons": {"purchase": [{"text": "the shopper viewed this item 3 times before", "effect": 0.8}]},
        }
    ],
    "unknown_items": [],
    "ignored": [],
    "unknown": {},
}
POST_PREDICTIONS = described(
    "predictions", "Predict behavior", PredictionsOut, ANSWER, (PredictionsIn, ASKS), failures=(*OF_BODY, "404")
)


def add_prediction_routes(app: FastAPI, service: Service) -> None:
    """Adds the route of predictions."""
    settings = service.settings

    @app.post("/predictions", openapi_extra=POST_PREDICTIONS)
    async def post_predictions(request: Request) -> Response:
        """What the shopper will do with each item, or by itself, by the predictors that the bundle carries.

        All events that were stored before count for the shopper; of the items counts what the log of the bundle says.
        A predictor answers for the moments that it learned from: `any`, or a `visit` of the shopper, where the request
        says so; a target that was learned from the others is refused with 422.
        """
        body = await read_body(request, settings.max_body_bytes)
        question = read_prediction(body, service.store.kinds, settings)
        answered = await service.predict(question)
        for target in answered.targets:
            service.metrics.predicted(target.target, len(answered.items) if target.of_items else 1)
        return reply(answered)
