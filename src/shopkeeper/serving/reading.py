"""From the bytes of a request to checked values: size, JSON, shape, ids of the shop's kind, moments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request

from shopkeeper.serving.problems import InvalidError, TooLargeError, UnreadableError
from shopkeeper.serving.requests import LARGEST, MAX_ID
from shopkeeper.types import Id

Read = TypeVar("Read")

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
INTEGER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
NUL: Final = "\0"


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The whole body; reading ends where it grows too long.

    Raises:
        TooLargeError: It has more than `max_bytes`.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and len(announced) < 20 and int(announced) > max_bytes:
        raise _too_large(max_bytes, f"{announced} bytes")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > max_bytes:
            raise _too_large(max_bytes, "more")
    return bytes(body)


def _too_large(max_bytes: int, got: str) -> TooLargeError:
    return TooLargeError(
        "the body is too long", expected=f"at most {max_bytes} bytes", got=got, remedy="send several smaller requests"
    )


def decode(decoder: msgspec.json.Decoder[Read], body: bytes) -> Read:
    """Reads JSON of a known shape.

    Raises:
        UnreadableError: It is no JSON in UTF-8.
        InvalidError: It is JSON of another shape, or holds the character NUL.
    """
    try:
        found = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableError("the body is not valid JSON", expected="JSON in UTF-8", got=str(error)) from error
    except RecursionError as error:
        raise UnreadableError("the body is nested too deeply", expected="a flat object or a list of them") from error
    if b"\\u0000" in body and _holds_nul(msgspec.to_builtins(found)):
        raise InvalidError("a text holds the character NUL", remedy="leave it out")
    return found


def read_query(kind: type[Read], values: QueryParams) -> Read:
    """Reads the query of a URL; numbers and truth values are written as text there, and the name of a list comes again.

    Raises:
        InvalidError: A name is not known or comes twice without being a list, or a value is not right.
    """
    described = msgspec.structs.fields(kind) if issubclass(kind, msgspec.Struct) else ()
    lists = {field.name for field in described if field.default_factory is list}
    names = [name for name, _ in values.multi_items() if name not in lists]
    if len(set(names)) < len(names):
        raise InvalidError("a name comes twice in the query", got=", ".join(names)[:80], remedy="leave one of them out")
    if any(NUL in value for _, value in values.multi_items()):
        raise InvalidError("a text of the query holds the character NUL", remedy="leave it out")
    found = {name: values.getlist(name) if name in lists else values[name] for name in values}
    try:
        return msgspec.convert(found, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error


def _invalid(error: msgspec.ValidationError) -> InvalidError:
    """The words of msgspec, such as ``Expected `int`, got `str` - at `$.k` ``, in the form of our errors."""
    words, _, place = str(error).replace("`", "").partition(" - at ")
    expected, separator, got = words.partition(", got ")
    where = place.removeprefix("$").removeprefix(".") or "the request"
    if expected.startswith("Expected "):
        return InvalidError(
            f"{where} is not valid", expected=expected.removeprefix("Expected "), got=got if separator else None
        )
    return InvalidError(f"{where} is not valid", got=words[0].lower() + words[1:])


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return NUL in value
    parts: Iterable[Any] = ()
    if isinstance(value, dict):
        parts = (*value, *value.values())
    elif isinstance(value, list):
        parts = value
    return any(map(_holds_nul, parts))


def check_number(values: Sequence[object] | None, most: int, where: str) -> None:
    """Refuses a list that is too long.

    Raises:
        InvalidError: It is.
    """
    if values is not None and len(values) > most:
        raise InvalidError(f"{where} is not valid", expected=f"at most {most}", got=str(len(values)))


def few(values: list[Read], most: int, where: str) -> list[Read]:
    """Each value of a short list once, in their order; a list cannot be longer than all its values could need.

    Raises:
        InvalidError: It has too many.
    """
    check_number(values, most, where)
    return list(dict.fromkeys(values))


def check_id(value: Id, integer: bool, where: str) -> Id:
    """The id itself, where it is of the shop's kind.

    Raises:
        InvalidError: It is not.
    """
    if isinstance(value, int) == integer:
        return value
    raise InvalidError(
        f"{where} is not an id of this shop", expected="an integer" if integer else "a text",
        got=f"the {'text' if integer else 'number'} {str(value)[:80]!r}",
    )  # fmt: skip


def id_of_text(text: str, integer: bool, where: str) -> Id:
    """An id that stood in a URL.

    Raises:
        InvalidError: It cannot be an id of this shop.
    """
    if not 0 < len(text) <= MAX_ID or NUL in text:
        raise InvalidError(f"{where} cannot be an id", expected=f"1 to {MAX_ID} characters without NUL")
    if not integer:
        return text
    if INTEGER.fullmatch(text) and -LARGEST - 1 <= int(text) <= LARGEST:
        return int(text)
    raise InvalidError(f"{where} is not an id of this shop", expected="an integer of 64 bits", got=repr(text[:80]))


def microseconds(value: float | str, where: str) -> int:
    """A moment as Unix microseconds.

    Args:
        value: Seconds since 1970, or ISO 8601; UTC where no zone is written.
        where: What it is, for the error.

    Raises:
        InvalidError: It is no moment from 1970 on.
    """
    if not isinstance(value, str):
        return round(value * 1_000_000)
    try:
        moment = datetime.fromisoformat(value)
        zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        found = (zoned - EPOCH) // MICROSECOND
    except (ValueError, OverflowError) as error:
        raise _no_moment(where, value) from error
    if found < 0:
        raise _no_moment(where, value)
    return found


def _no_moment(where: str, value: str) -> InvalidError:
    return InvalidError(
        f"{where} is not a moment", expected="seconds since 1970, or ISO 8601 such as 2025-03-01T09:00:00Z",
        got=repr(value),
    )  # fmt: skip


def iso(value: int) -> str:
    """Unix microseconds as ISO 8601 in UTC."""
    return (EPOCH + value * MICROSECOND).isoformat()
