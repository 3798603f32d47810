"""In which scripts texts are written, and whether a model was made for them. Unicode says it letter by letter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from shopkeeper.errors import ConfigError, choices
from shopkeeper.types import BoolArray

if TYPE_CHECKING:
    import pyarrow as pa

SCRIPTS: Final = (
    "Latin", "Han", "Hiragana", "Katakana", "Hangul", "Cyrillic", "Arabic", "Hebrew", "Greek", "Thai", "Devanagari",
    "Bengali", "Tamil", "Telugu", "Armenian", "Georgian",
)  # fmt: skip
"""Scripts that are told apart; all others are counted together as "other"."""
OTHER: Final = "other"
LETTER: Final = r"\pL"
FOREIGN_SHARE: Final = 0.01
"""From this share of texts on there is a warning."""


@dataclass(frozen=True)
class ScriptCount:
    """Letters of a list of texts by script.

    Attributes:
        shares: Of all letters, by script, the largest first; those that do not occur are left out.
        foreign: bool [n]; texts of which more than half of the letters are of scripts that the model does not know.
    """

    shares: dict[str, float]
    foreign: BoolArray

    def warning(self, model: str) -> str | None:
        """A sentence for the reader where enough texts are foreign to a model of this name, else None."""
        share = float(self.foreign.mean()) if self.foreign.size else 0.0
        if share < FOREIGN_SHARE:
            return None
        found = ", ".join(f"{script} {part:.0%}" for script, part in self.shares.items() if part >= FOREIGN_SHARE)
        return (
            f"{share:.0%} of the texts are mostly in a script that the model {model!r} does not know "
            f"(letters: {found}); their vectors tell little. Take a model that knows it, such as multilingual"
        )


def count_scripts(texts: pa.Array, known: Iterable[str] | None) -> ScriptCount:
    """Counts the letters of texts by script.

    Args:
        texts: large_string [n], none missing.
        known: Scripts that the model was made for; None where that is not known: no text is foreign then.

    Raises:
        ConfigError: One of the known scripts has no such name.
    """
    import pyarrow.compute as pc

    names = None if known is None else check_scripts(known)
    letters = pc.count_substring_regex(texts, LETTER).to_numpy(zero_copy_only=False)
    rest, familiar, totals = letters.copy(), np.zeros_like(letters), {}
    for script in SCRIPTS:
        counts = pc.count_substring_regex(texts, rf"\p{{{script}}}").to_numpy(zero_copy_only=False)
        counts = np.minimum(counts, rest)  # a script has marks and digits beside letters
        rest = rest - counts
        totals[script] = int(counts.sum())
        familiar = familiar + (counts if names is not None and script in names else 0)
    totals[OTHER] = int(rest.sum())
    every = max(1, int(letters.sum()))
    shares = {name: count / every for name, count in sorted(totals.items(), key=lambda pair: -pair[1]) if count}
    foreign = np.zeros(len(letters), dtype=bool) if names is None else 2 * familiar < letters
    return ScriptCount(shares, foreign)


def check_scripts(names: Iterable[str]) -> frozenset[str]:
    """The names as a set.

    Raises:
        ConfigError: One of them is no script that is told apart here.
    """
    wanted = frozenset(names)
    wrong = sorted(wanted - set(SCRIPTS))
    if wrong:
        raise ConfigError("there is no such script", expected=choices(wrong[0], SCRIPTS), got=wrong[0])
    return wanted
