"""Answers as JSON."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

_ENCODER = msgspec.json.Encoder()


def reply(body: object, status: int = 200) -> Response:
    """An answer as JSON, from an object of `answers` or plain values."""
    return Response(_ENCODER.encode(body), status, media_type="application/json")
