"""The exceptions of Shopkeeper: each says what was expected, what came and what to do.

Everything that a caller may want to catch derives from `ShopkeeperError`. The command line turns each class into its
own exit code and prints the message without a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ShopkeeperError(Exception):
    """Base of all errors that Shopkeeper raises on purpose.

    Args:
        problem: One sentence: what is wrong.
        expected: What would have been right.
        got: What came instead.
        remedy: What the reader can do about it.
    """

    exit_code: int = 1

    def __init__(
        self, problem: str, *, expected: str | None = None, got: str | None = None, remedy: str | None = None
    ) -> None:
        self.problem = problem
        self.expected = expected
        self.got = got
        self.remedy = remedy
        parts = [problem]
        if expected:
            parts.append(f"expected: {expected}")
        if got:
            parts.append(f"got: {got}")
        if remedy:
            parts.append(f"to do: {remedy}")
        super().__init__("\n  ".join(parts))


class ConfigError(ShopkeeperError):
    """A setting is unknown, has the wrong type or a value out of range."""

    exit_code = 2


class DataError(ShopkeeperError):
    """Events or catalog cannot be read or cannot serve the purpose."""

    exit_code = 3


class ArtifactError(ShopkeeperError):
    """A folder written by Shopkeeper is missing, truncated, edited, foreign or cannot be written."""

    exit_code = 4


class NotFittedError(ShopkeeperError):
    """A model was asked before it was fitted or loaded."""

    exit_code = 5


class UnknownIdError(ShopkeeperError):
    """An id was asked for that the training data does not know."""

    exit_code = 6


class MissingDependencyError(ShopkeeperError):
    """An optional library is needed and not installed."""

    exit_code = 7


class ResourceError(ShopkeeperError):
    """What was asked does not fit in memory, on disk or in the time allowed."""

    exit_code = 8


class TrainingError(ShopkeeperError):
    """Training cannot go on: the loss is no longer a number."""

    exit_code = 9


class StoreError(ShopkeeperError):
    """The event store cannot be reached, read or written, or was made for other ids or by a newer version."""

    exit_code = 10


class EndpointError(ShopkeeperError):
    """A model behind an address on the network does not answer, refuses, or answers something else."""

    exit_code = 11


def choices(got: str, valid: Iterable[str]) -> str:
    """A phrase that lists the valid choices, the closest first.

    Args:
        got: The word that came.
        valid: All words that would have been right.

    Returns:
        For example ``"one of: view, cart (did you mean 'view'?)"``.
    """
    options = list(valid)
    plain = {option.lower(): option for option in options}
    close = get_close_matches(got.lower(), plain, n=1)
    hint = f" (did you mean {plain[close[0]]!r}?)" if close else ""
    return f"one of: {', '.join(options)}{hint}"


def missing_dependency(library: str, extra: str, purpose: str) -> MissingDependencyError:
    """The error for an optional library that is not installed.

    Args:
        library: Import name of the library.
        extra: The extra of this package that brings it.
        purpose: What it was needed for.

    Returns:
        The error, for the caller to raise.
    """
    return MissingDependencyError(
        f"{purpose} needs the library {library!r}, which is not installed",
        remedy=f"pip install 'shopkeeper[{extra}]'",
    )
