"""Which values of a setting are worth trying. Declared beside the settings, read by `shopkeeper tune`.

A settings class names some of its fields in the class variable `search`; those that are not named stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

Value: TypeAlias = float | int | str | bool | None
"""One value of a setting that can be searched."""

DIGITS = 4
"""Numbers with fractions are tried with so many significant digits."""


@dataclass(frozen=True)
class Floats:
    """Numbers between two bounds, both included.

    Attributes:
        low: Smallest.
        high: Largest.
        log: Spread evenly over the orders of magnitude; `low` is then above 0.
    """

    low: float
    high: float
    log: bool = False

    def rounded(self, value: Value) -> Value:
        """A value as it is tried and written: few digits, within the bounds."""
        return min(self.high, max(self.low, float(f"{value:.{DIGITS}g}")))

    def including(self, value: Value) -> Floats | None:
        """The same, wide enough for this value; None where no width would do."""
        if not isinstance(value, int | float) or (self.log and value <= 0):
            return None
        return replace(self, low=min(self.low, value), high=max(self.high, value))


@dataclass(frozen=True)
class Integers:
    """Whole numbers between two bounds, both included.

    Attributes:
        low: Smallest.
        high: Largest.
        log: Spread evenly over the orders of magnitude; `low` is then at least 1.
    """

    low: int
    high: int
    log: bool = False

    def rounded(self, value: Value) -> Value:
        """The value as it is."""
        return value

    def including(self, value: Value) -> Integers | None:
        """The same, wide enough for this value; None where no width would do."""
        if not isinstance(value, int) or (self.log and value < 1):
            return None
        return replace(self, low=min(self.low, value), high=max(self.high, value))


@dataclass(frozen=True)
class Choice:
    """One of several values.

    Attributes:
        options: The values. None may be among them only where it is the default, since TOML cannot say it.
    """

    options: tuple[Value, ...]

    def rounded(self, value: Value) -> Value:
        """The value as it is."""
        return value

    def including(self, value: Value) -> Choice:
        """The same with this value among the options."""
        return self if value in self.options else Choice((value, *self.options))


Domain: TypeAlias = Floats | Integers | Choice
"""The values of one setting."""

SearchSpace: TypeAlias = Mapping[str, Domain]
"""The values of several settings, by their names or dotted paths."""
