"""How long work tells how far it is. The library never prints; the command line draws these calls as bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Progress(Protocol):
    """Told about one piece of long work at a time."""

    def start(self, title: str, total: int | None) -> None:
        """Work begins; `total` steps are expected, None where that is unknown."""

    def advance(self, steps: int = 1, facts: Mapping[str, float] | None = None) -> None:
        """So many steps more are done; facts (a loss, a rate) are shown beside the bar."""

    def finish(self) -> None:
        """The work begun last is done."""
