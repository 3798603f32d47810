"""`shopkeeper keys`: a key is printed once, listed without itself, and gone when it is revoked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shopkeeper.serving.access.keys import KeyFile, read_keys

Run = Callable[..., tuple[int, str, str]]


def test_a_key_is_made_listed_and_revoked(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    code, out, note = run(
        "keys", "create", "backend", "--scope", "events,recommend", "--expires", "90d", "--file", file
    )
    secret = out.strip()
    assert code == 0
    assert "cannot be shown again" in note
    assert secret not in note
    key = KeyFile(file).find(secret)
    assert key is not None and (key.name, sorted(key.scopes)) == ("backend", ["events", "recommend"])

    code, out, _ = run("keys", "create", "page", "--origin", "https://shop.example", "-f", file)
    page, user_secret = out.split()
    found = KeyFile(file).find(page)
    assert found is not None and found.user_secret == user_secret

    code, out, _ = run("keys", "list", "--file", file)
    assert code == 0
    assert "backend" in out and "page" in out and "never" in out
    assert secret not in out and user_secret not in out

    assert run("keys", "revoke", "backend", "--file", file)[0] == 0
    assert [key.name for key in read_keys(file)] == ["page"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "a"), "no scope"),
        (("create", "a", "--scope", "adnim"), "did you mean 'admin'"),
        (("create", "a", "--scope", "admin", "--expires", "soon"), "no end of a key"),
        (("create", "a", "--scope", "admin", "--expires", "2020-01-01"), "ended already"),
        (("create", "a b", "--scope", "admin"), "name of a key"),
        (("create", "a", "--scope", "admin", "--origin", "https://shop.example"), "no page may have"),
        (("create", "a", "--origin", "*"), "no origin"),
        (("revoke", "nobody"), "cannot be read"),
        (("list",), "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    code, _, error = run("keys", *words, "--file", tmp_path / "keys.txt")
    assert code == 2
    assert said in error
    assert not list(tmp_path.iterdir())
