"""What every extractor of attributes is: it is asked about one item and answers in JSON, which is checked elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Asked:
    """A question about one item.

    Attributes:
        text: What is written of it.
        picture: Address of its picture, or the picture as a data address; None where there is none.
        attempt: 1 at first.
        answer: What was answered before, where that was not valid.
        faults: What was wrong with it.
    """

    text: str
    picture: str | None = None
    attempt: int = 1
    answer: str = ""
    faults: tuple[str, ...] = ()


class Extractor(Protocol):
    """Tells the attributes of items. Making one is cheap: weights are read when the first item comes."""

    @property
    def name(self) -> str:
        """Short name, as settings spell it."""

    @property
    def identity(self) -> str:
        """All that an answer depends on beside the schema, the examples and the item. Known without reading weights."""

    @property
    def at_once(self) -> int:
        """How many items it may be asked about at the same time."""

    @property
    def usage(self) -> Mapping[str, float]:
        """What was used so far beside time: requests, tokens, cost."""

    def load(self) -> None:
        """Reads the weights where there are any; `answer` does it where it was not done.

        Raises:
            MissingDependencyError: A library or the package with the weights is not installed.
        """

    def answer(self, asked: Asked) -> str:
        """The answer to a question, as it comes: JSON if all went well. May be called by several threads.

        Raises:
            EndpointError: The model is elsewhere and does not answer.
        """
