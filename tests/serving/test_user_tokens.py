"""Tokens of users, beside those that are put together by hand as RFC 7515 says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from shopkeeper.serving.access.user_tokens import sign_user, user_of
from shopkeeper.serving.problems import KeyRefusedError

SECRET = "a-secret-of-the-shop"  # noqa: S105
SOON = time.time() + 3600


def part(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def token(payload: Any, header: Any = None, secret: str = SECRET) -> str:
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT'} if header is None else header)}.{part(payload)}"
    return f"{signed}.{part(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


def test_that_of_the_standard_is_read_as_everybody_reads_it() -> None:
    """RFC 7515, A.1: its key is bytes, so that only the signature part of ours is compared, on our own key."""
    known = token({"sub": "c7", "exp": SOON, "iat": 1, "aud": "any"})
    assert user_of(known, SECRET) == "c7"
    head, body, signature = sign_user(SECRET, "c7", 60).split(".")
    assert signature == part(hmac.new(SECRET.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest())


def test_that_of_the_page_is_read() -> None:
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    written: dict[str, Any] = {}
    exec(re.findall(r"^```python\n(import base64.*?)^```", page, re.MULTILINE | re.DOTALL)[0], written)  # noqa: S102
    assert user_of(written["user_token"](SECRET, "c7"), SECRET) == "c7"


@pytest.mark.parametrize(("user", "found"), [("c7", "c7"), (17, "17"), ("Zoë 商店", "Zoë 商店"), ("-1", "-1")])
def test_the_user_comes_back(user: str | int, found: str) -> None:
    assert user_of(sign_user(SECRET, user, 60), SECRET) == found
    assert user_of(token({"sub": user, "exp": SOON}), SECRET) == found


REFUSED = {
    "nothing": "",
    "no dots": "abc",
    "empty parts": "..",
    "another secret": token({"sub": "c7", "exp": SOON}, None, "another"),
    "no algorithm": token({"sub": "c7", "exp": SOON}, {"alg": "none"}),
    "without signature": token({"sub": "c7", "exp": SOON}, {"alg": "none"}).rsplit(".", 1)[0] + ".",
    "an algorithm of two keys": token({"sub": "c7", "exp": SOON}, {"alg": "RS256"}),
    "an extension that must be understood": token({"sub": "c7", "exp": SOON}, {"alg": "HS256", "crit": ["x"]}),
    "over": token({"sub": "c7", "exp": time.time() - 1}),
    "without end": token({"sub": "c7"}),
    "an end in words": token({"sub": "c7", "exp": "2999"}),
    "an end that is no number": token(b'{"sub": "c7", "exp": NaN}'),
    "an end that is true": token({"sub": "c7", "exp": True}),
    "not yet": token({"sub": "c7", "exp": SOON, "nbf": SOON}),
    "nobody": token({"exp": SOON}),
    "an empty name": token({"sub": "", "exp": SOON}),
    "a list of users": token({"sub": ["c7"], "exp": SOON}),
    "a truth value": token({"sub": True, "exp": SOON}),
    "a list": token(["c7"]),
    "no JSON": token(b"c7"),
    "deep": token(b"[" * 900),
    "long": token({"sub": "c" * 4000, "exp": SOON}),
    "not base64": token({"sub": "c7", "exp": SOON})[:-2] + "é!",
    "a part more": "x." + token({"sub": "c7", "exp": SOON}),
    "a changed body": token({"sub": "c7", "exp": SOON}).replace(
        part({"sub": "c7", "exp": SOON}), part({"sub": "c8", "exp": SOON})
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_signed_by_the_shop_is_refused(name: str) -> None:
    with pytest.raises(KeyRefusedError, match="token of the user is refused"):
        user_of(REFUSED[name], SECRET)
