"""The description of the API at ``/openapi.json``, from the classes of its messages and this shop's settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from fastapi.openapi.utils import get_openapi

from shopkeeper._version import __version__
from shopkeeper.serving.access.guard import HEADER
from shopkeeper.serving.access.scopes import OPEN
from shopkeeper.serving.answers import ProblemOut
from shopkeeper.serving.event_store.records import IdKinds
from shopkeeper.serving.requests import MAX_ID, WITHOUT_NUL, EventIn, ItemIn

if TYPE_CHECKING:
    from fastapi import FastAPI

    from shopkeeper.serving.settings import ServiceSettings

REFERENCE: Final = "#/components/schemas/{name}"
JSON: Final = "application/json"
FAILURES: Final = {
    "400": "The body is not JSON",
    "401": "The API key is missing or wrong",
    "403": "Whoever asks may not do this",
    "404": "There is no such thing",
    "413": "The body is too long",
    "415": "The body is not said to be JSON",
    "422": "The request is not what is wanted",
    "429": "More often than the caller may",
    "503": "The service cannot answer now",
}
OF_BODY: Final = ("400", "413", "415", "422", "503")
USER_FIELDS: Final = frozenset({"user_id"})
ITEM_FIELDS: Final = frozenset({"item_id", "item_ids", "exclude", "history", "ignored", "like", "unknown_items"})
_DESCRIBED: Final[list[type]] = [ProblemOut]
"""Classes that the description names."""


def described(
    tag: str,
    summary: str,
    answer: type | None,
    example: Any = None,
    body: tuple[Any, dict[str, Any]] | None = None,
    query: type | None = None,
    path_id: str | None = None,
    failures: Sequence[str] = ("422", "503"),
) -> dict[str, Any]:
    """What FastAPI shall add to the description of one operation whose function reads the raw request.

    Args:
        tag: Under which heading it stands.
        summary: What it does, in a few words.
        answer: Class of the answer; None for plain text.
        example: An answer.
        body: Class of the body, and examples of it by name.
        query: Class of the query.
        path_id: "user_id" or "item_id": what `{id}` in the path is.
        failures: Other statuses than 200.
    """
    found: dict[str, Any] = {"tags": [tag], "summary": summary}
    found["responses"] = {"200": _content(answer, "The answer", example)}
    found["responses"] |= {status: _content(ProblemOut, FAILURES[status]) for status in (*failures, "401", "403")}
    found["parameters"] = [] if path_id is None else [_path_parameter(path_id)]
    if query is not None:
        found["parameters"] += _query_parameters(query)
    if body is not None:
        kind, asks = body
        examples = {name: {"value": value} for name, value in asks.items()}
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": _schema(kind), "examples": examples}}}
    return found


def _content(answer: type | None, description: str, example: Any = None) -> dict[str, Any]:
    if answer is None:
        return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}
    content: dict[str, Any] = {"schema": _schema(answer)}
    if example is not None:
        content["example"] = example
    return {"description": description, "content": {JSON: content}}


def _schema(kind: Any) -> dict[str, Any]:
    if kind not in _DESCRIBED:
        _DESCRIBED.append(kind)
    (found,), _ = msgspec.json.schema_components([kind], ref_template=REFERENCE)
    return dict(found)


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": "id", "in": "path", "required": True, "schema": {"x-id": name}, "description": f"The {name}"}


def _query_parameters(query: type) -> list[dict[str, Any]]:
    _, components = msgspec.json.schema_components([query])
    schema = components[query.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(values)}
        for name, values in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query cannot say null: it leaves the name out."""
    others = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if len(others) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    return {**rest, **others[0]}


def describe(app: FastAPI, settings: ServiceSettings, kinds: IdKinds, keys: bool) -> None:
    """Lets an application describe itself: the ids of this shop, its limits, whether it wants keys."""
    written: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not written:
            written.update(_description(app, settings, kinds, keys))
        return written

    app.openapi = openapi  # type: ignore[method-assign]


def _description(app: FastAPI, settings: ServiceSettings, kinds: IdKinds, keys: bool) -> dict[str, Any]:
    found = get_openapi(title="Shopkeeper", version=__version__, description=app.description, routes=app.routes)
    _, components = msgspec.json.schema_components(_DESCRIBED, ref_template=REFERENCE)
    found.setdefault("components", {})["schemas"] = components
    _narrow(found, kinds)
    _limit(found, settings)
    if keys:
        found["components"]["securitySchemes"] = {
            "key": {"type": "apiKey", "in": "header", "name": HEADER},
            "bearer": {"type": "http", "scheme": "bearer"},
        }
        for path, operations in found["paths"].items():
            for operation in operations.values():
                operation["security"] = [] if path in OPEN else [{"key": []}, {"bearer": []}]
    return found


def _narrow(value: Any, kinds: IdKinds) -> None:
    """Leaves, wherever an id is described, only the kind that this shop has; in place."""
    if isinstance(value, list):
        for one in value:
            _narrow(one, kinds)
    elif isinstance(value, dict):
        if (name := value.pop("x-id", None)) is not None:
            value.update(_id_schema(_is_integer(name, kinds)))
        for name, one in value.get("properties", {}).items():
            if name in USER_FIELDS | ITEM_FIELDS:
                _drop(one, "string" if _is_integer(name, kinds) else "integer")
        for one in value.values():
            _narrow(one, kinds)


def _is_integer(name: str, kinds: IdKinds) -> bool:
    return kinds.user_integer if name in USER_FIELDS else kinds.item_integer


def _id_schema(integer: bool) -> dict[str, Any]:
    if integer:
        return {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
    return {"type": "string", "minLength": 1, "maxLength": MAX_ID, **WITHOUT_NUL}


def _drop(schema: Any, kind: str) -> None:
    """Takes one kind of value out of all choices of a schema, in place."""
    if isinstance(schema, list):
        for one in schema:
            _drop(one, kind)
    elif isinstance(schema, dict):
        if "anyOf" in schema:
            schema["anyOf"] = [one for one in schema["anyOf"] if one.get("type") != kind]
        for one in schema.values():
            _drop(one, kind)


def _limit(found: dict[str, Any], settings: ServiceSettings) -> None:
    """Writes the limits of this service into the description, in place."""
    asked = found["components"]["schemas"]["RecommendationsIn"]["properties"]
    asked["k"]["maximum"] = settings.max_k
    asked["fields"]["maxItems"] = settings.max_fields
    asked["exclude"]["maxItems"] = settings.max_given_history
    found["components"]["schemas"]["PredictionsIn"]["properties"]["item_ids"]["maxItems"] = settings.max_candidates
    for path in ("/events", "/items"):
        for choice in found["paths"][path]["post"]["requestBody"]["content"][JSON]["schema"]["anyOf"]:
            if choice.get("type") == "array":
                choice["maxItems"] = settings.max_batch
    for operations in found["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] in ("k", "limit"):
                    parameter["schema"]["maximum"] = min(settings.max_k, parameter["schema"]["maximum"])


EVENTS: Final = EventIn | list[EventIn]
"""What is posted to ``/events``."""
ITEMS: Final = ItemIn | list[ItemIn]
"""What is posted to ``/items``."""
