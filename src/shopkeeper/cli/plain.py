"""Text of others on a terminal: what a title holds must neither style it nor steer it."""

from __future__ import annotations

from typing import Final

from rich import markup

_STEERING: Final = dict.fromkeys(
    [
        *(code for code in range(0x20) if chr(code) not in "\n\t"),
        *range(0x7F, 0xA0),
        *(0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),
    ],
    "\N{REPLACEMENT CHARACTER}",
)
"""Control characters, escape sequences among them, and those that turn the direction of writing."""


def plain(text: str) -> str:
    """The text without what steers a terminal."""
    return text.translate(_STEERING)


def escape(text: str) -> str:
    """The same, as it stands in markup."""
    return markup.escape(plain(text))
