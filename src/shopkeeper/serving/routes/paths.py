"""Ids in paths: any text at all, slashes and line breaks too."""

from __future__ import annotations

from typing import ClassVar

from starlette.convertors import Convertor, register_url_convertor


class IdConvertor(Convertor[str]):
    """`{id:id}` in a path; Starlette's own `path` ends at a line break."""

    regex: ClassVar[str] = "(?s:.+)"

    def convert(self, value: str) -> str:
        """The id as it stands in the path."""
        return value

    def to_string(self, value: str) -> str:
        """The same."""
        return value


def understand_ids() -> None:
    """Lets paths of routes that are added from now on contain ``{id:id}``."""
    register_url_convertor("id", IdConvertor())
