"""Tokens that say which user a page belongs to: JSON Web Tokens (RFC 7519) that the shop's own server signs.

The algorithm is HS256 with the secret of the browser key, whatever the token itself says; `sub` (the user id), `exp`
(when it ends) and `nbf` (when it begins) are all that is read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import Any, Final

from shopkeeper.serving.problems import KeyRefusedError

HEADER: Final = "X-User-Token"
LONGEST: Final = 2048
"""Characters of a token."""
LEEWAY_SECONDS: Final = 60
"""How far the clock of the shop's server may be ahead of ours."""


def sign_user(secret: str, user_id: str | int, seconds: float) -> str:
    """A token of a user.

    Args:
        secret: The `user_secret` of the browser key.
        user_id: The user.
        seconds: How long it counts from now on.
    """
    payload = {"sub": str(user_id), "exp": int(time.time() + seconds)}
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, payload))
    return f"{signed}.{_encoded(_signature(secret, signed))}"


def user_of(token: str, secret: str) -> str:
    """The user whom a token names, as text.

    Args:
        token: As it came.
        secret: The `user_secret` of the key that it came with.

    Raises:
        KeyRefusedError: It is none, was not signed with this secret, or its time is over.
    """
    signed, _, signature = token.rpartition(".")
    head, _, body = signed.partition(".")
    if len(token) > LONGEST or not (head and body and signature):
        raise _refused("three parts with dots between them")
    if not hmac.compare_digest(_signature(secret, signed), _decoded(signature)):
        raise _refused("a signature by the user_secret of this key")
    header, payload = _object(head), _object(body)
    if header.get("alg") != "HS256" or "crit" in header:
        raise _refused("the algorithm HS256")
    now = time.time()
    if not now < _number(payload.get("exp")):
        raise _refused("exp, a time that is still to come")
    if _number(payload.get("nbf", 0)) > now + LEEWAY_SECONDS:
        raise _refused("nbf, a time that has come")
    user = payload.get("sub")
    if isinstance(user, bool) or not isinstance(user, str | int) or user == "":
        raise _refused("sub, the id of a user")
    return str(user)


def _refused(expected: str) -> KeyRefusedError:
    return KeyRefusedError(
        "the token of the user is refused", expected=expected, remedy=f"let the shop's server sign a new {HEADER}"
    )


def _signature(secret: str, signed: str) -> bytes:
    return hmac.digest(secret.encode(), signed.encode(errors="surrogateescape"), hashlib.sha256)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused("parts in base64url") from error


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(_decoded(text))
    except (ValueError, RecursionError) as error:
        raise _refused("parts in JSON") from error
    if not isinstance(found, dict):
        raise _refused("parts that are JSON objects")
    return found


def _number(value: Any) -> float:
    """A moment of a token; 0, which is over, where it is none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
