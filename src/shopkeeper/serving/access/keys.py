"""API keys: what a key is, and the file that keeps all of them, one a line, hashed.

A line is a JSON object that `create_key` wrote, or a plain key of one's own, which may do everything. Of a made key the
SHA-256 alone is kept: it has 256 random bits, so that nothing slower is needed. The secret that tokens of users are
signed with stands there as it is, since checking a signature needs it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from shopkeeper.artifacts import write_text_atomic
from shopkeeper.errors import ConfigError, ShopkeeperError, choices
from shopkeeper.serving.access.origins import checked_origin
from shopkeeper.serving.logs import LOGGER

PREFIX: Final = "skp_"
"""Begins every key that was made here, so that a scanner finds one that was published by mistake."""
SHORTEST: Final = 16
LONGEST: Final = 512
"""Characters of a plain key."""
LOOK_SECONDS: Final = 0.2
"""Between two looks whether the file was changed."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_PLAIN: Final = re.compile(r"[!-~]+", re.ASCII)


class KeyScope(StrEnum):
    """What a key may be used for."""

    EVENTS = "events"
    RECOMMEND = "recommend"
    ITEMS = "items"
    METRICS = "metrics"
    ADMIN = "admin"
    """Everything, the other scopes too."""


BROWSER_SCOPES: Final = frozenset({KeyScope.EVENTS, KeyScope.RECOMMEND})
"""What a browser key may be used for at most."""


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One API key, without the key itself."""

    name: str
    sha256: str
    """Of the key, in hexadecimal digits."""
    scopes: frozenset[KeyScope]
    created_at: datetime | None = None
    expires_at: datetime | None = None
    """From then on it is refused; None never."""
    origins: tuple[str, ...] = ()
    """Origins of the pages that may use it; with any of them it is a browser key."""
    user_secret: str | None = None
    """Of a browser key: what tokens of users are signed with."""

    @property
    def is_browser(self) -> bool:
        """Whether everybody can read it in a page, so that it counts only there, and for a signed user."""
        return bool(self.origins)

    def allows(self, scopes: frozenset[KeyScope]) -> bool:
        """Whether it has one of some scopes."""
        return KeyScope.ADMIN in self.scopes or not self.scopes.isdisjoint(scopes)

    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and datetime.now(UTC) >= self.expires_at


class CreatedKey(NamedTuple):
    """A key on the day of its making, the only one on which it can be read."""

    secret: str
    key: Key


class KeyFile:
    """The keys of a file, followed: a change counts within `LOOK_SECONDS`, in every process that reads the file.

    A file that is gone or cannot be read any more changes nothing, so that a slip of an editor locks nobody out; the
    log says so.

    Args:
        file: The file.

    Raises:
        ConfigError: It cannot be read, holds no key, or one that is not right.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._signature = _signature(file)
        self._looked = time.monotonic()
        keys = read_keys(file)
        if not keys:
            raise ConfigError(f"{file} holds no API key", expected="one key a line", remedy=_remedy(file))
        self._take(keys)

    def find(self, secret: str) -> Key | None:
        """The key, or None where there is none; found by its digest, so that time tells nothing about others."""
        self._look()
        return self._keys.get(_digest(secret))

    def shared_with(self, origin: str) -> bool:
        """Whether a browser key belongs to pages of this origin."""
        self._look()
        return origin in self._origins

    def _take(self, keys: Sequence[Key]) -> None:
        self._keys = {key.sha256: key for key in keys}
        self._origins = frozenset(origin for key in keys for origin in key.origins)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        signature = _signature(self._file)
        if signature == self._signature:
            return
        self._signature = signature
        try:
            self._take(read_keys(self._file))
        except ShopkeeperError as error:
            LOGGER.error("the API keys stay as they were: %s", error)
        else:
            LOGGER.info("API keys read anew: %d", len(self._keys))


def read_keys(file: Path) -> list[Key]:
    """All keys of a file, expired ones too; empty lines and comments (``#``) are left out.

    Raises:
        ConfigError: The file cannot be read, or a line is no key (short, not ASCII, an unknown field), or a name or a
            key comes twice.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the API keys in {file} cannot be read", got=str(error), remedy=_remedy(file)
        ) from error  # fmt: skip
    numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    keys = [_read_line(file, number, line) for number, line in numbered if line and not line.startswith("#")]
    for what, values in (("name", [key.name for key in keys]), ("key", [key.sha256 for key in keys])):
        if len(set(values)) < len(values):
            raise ConfigError(f"a {what} comes twice in {file}", remedy="leave one of them out")
    return keys


def create_key(
    file: Path,
    name: str,
    scopes: frozenset[KeyScope],
    expires_at: datetime | None = None,
    origins: Sequence[str] = (),
) -> CreatedKey:
    """Makes a key and adds it to a file, which is made where there is none; only its owner may read the file.

    Args:
        file: The file.
        name: Of the key, for the log and for revoking it: letters, digits, ``.``, ``_`` and ``-``.
        scopes: What it may be used for.
        expires_at: From when on it is refused; None never.
        origins: Makes it a browser key, for pages of these origins.

    Raises:
        ConfigError: The name is taken or not right, there is no scope or one that is not for browsers, or an origin is
            none.
        ArtifactError: The file cannot be written.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    key = Key(
        name=_checked_name(name), sha256=_digest(secret), scopes=scopes,
        created_at=datetime.now(UTC).replace(microsecond=0), expires_at=expires_at,
        origins=tuple(map(checked_origin, origins)), user_secret=secrets.token_urlsafe(32) if origins else None,
    )  # fmt: skip
    _check_scopes(key)
    with _changing(file):
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        if any(known.name == name for known in (read_keys(file) if lines else [])):
            raise ConfigError(f"there is a key {name!r} in {file}", remedy="revoke it first, or take another name")
        _write(file, [*lines, msgspec.json.encode(key).decode()])
    return CreatedKey(secret, key)


def revoke_key(file: Path, name: str) -> None:
    """Takes a key out of a file; services that run refuse it within a second.

    Raises:
        ConfigError: There is no such key, or the file cannot be read.
        ArtifactError: The file cannot be written.
    """
    with _changing(file):
        names = [key.name for key in read_keys(file)]
        if name not in names:
            raise ConfigError(f"there is no key {name!r} in {file}", expected=choices(name, names))
        lines = file.read_text(encoding="utf-8").splitlines()
        numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
        kept = [
            lines[number - 1] for number, line in numbered
            if not line or line.startswith("#") or _read_line(file, number, line).name != name
        ]  # fmt: skip
        _write(file, kept)


def _read_line(file: Path, number: int, line: str) -> Key:
    where = f"line {number} of {file}"
    if line.startswith("{"):
        try:
            key = msgspec.json.decode(line, type=Key)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise ConfigError(f"{where} is no API key", got=str(error)) from error
        _checked_name(key.name)
        _check_scopes(key)
        for moment in (key.created_at, key.expires_at):
            if moment is not None and moment.tzinfo is None:
                raise ConfigError(f"{where} holds a time without its zone", got=moment.isoformat())
        return key
    if not _PLAIN.fullmatch(line):
        raise ConfigError(f"the API key in {where} is not of printable ASCII characters", remedy=_remedy(file))
    if not SHORTEST <= len(line) <= LONGEST:
        raise ConfigError(
            f"the API key in {where} is too {'short' if len(line) < SHORTEST else 'long'}",
            expected=f"{SHORTEST} to {LONGEST} characters", got=f"{len(line)}", remedy=_remedy(file),
        )  # fmt: skip
    return Key(name=f"line-{number}", sha256=_digest(line), scopes=frozenset({KeyScope.ADMIN}))


def _check_scopes(key: Key) -> None:
    if not key.scopes:
        raise ConfigError(f"the key {key.name!r} has no scope", expected=", ".join(KeyScope))
    if not re.fullmatch(r"[0-9a-f]{64}", key.sha256):
        raise ConfigError(f"the key {key.name!r} has no SHA-256", expected="64 hexadecimal digits")
    if key.is_browser and not key.scopes <= BROWSER_SCOPES:
        raise ConfigError(
            f"the browser key {key.name!r} has a scope that no page may have",
            expected=", ".join(sorted(BROWSER_SCOPES)), got=", ".join(sorted(key.scopes)),
            remedy="everybody can read a key that a page uses",
        )  # fmt: skip
    if key.is_browser and not key.user_secret:
        raise ConfigError(f"the browser key {key.name!r} has no user_secret", remedy="create it anew")


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "this cannot be the name of a key", expected="1 to 64 letters, digits, '.', '_' and '-'", got=repr(name)
        )
    return name


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def _remedy(file: Path) -> str:
    return f"make a key: shopkeeper keys create NAME --scope admin --file {file}"


def _signature(file: Path) -> tuple[int, ...] | None:
    """What tells one version of a file from another."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


@contextmanager
def _changing(file: Path) -> Iterator[None]:
    """One change of the files of a folder at a time, among all processes."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(file.parent, os.O_RDONLY)
    except OSError as error:
        raise ConfigError(f"the folder of {file} cannot be opened", got=str(error)) from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(file: Path, lines: Sequence[str]) -> None:
    write_text_atomic(file, "".join(f"{line}\n" for line in lines), mode=0o600)
