"""Placements: where on the page, or in which channel, an event happened, as codes of one byte.

A vocabulary names the codes from 1; 0 is a placement that is not known. Like ids, those of a training part are the ones
that its events have.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import UNKNOWN, Vocabulary
from shopkeeper.types import BoolArray, Int32Array, UInt8Array

if TYPE_CHECKING:
    import pyarrow as pa

MOST_PLACEMENTS: Final = 255
"""The most frequent ones have codes; others are not known."""


def fit_placements(
    numbers: Int32Array, names: pa.Array, counted: BoolArray | None
) -> tuple[Vocabulary, UInt8Array] | tuple[None, None]:
    """The vocabulary of the most frequent placements, and the codes of all events.

    Args:
        numbers: int32 [events]; the name of number p is at place p - 1; 0 where there is none.
        names: Distinct, in ascending order.
        counted: bool [events]; only these are looked at to choose; None takes all.

    Returns:
        Names and codes, uint8 [events]; None where no placement is known.
    """
    counts = np.bincount(numbers if counted is None else numbers[counted], minlength=len(names) + 1)
    order = np.argsort(-counts[1:], kind="stable")[:MOST_PLACEMENTS] + 1
    kept = np.sort(order[counts[order] > 0])
    if len(kept) == 0:
        return None, None
    code = np.zeros(len(names) + 1, dtype=np.uint8)
    code[kept] = np.arange(1, len(kept) + 1)
    return Vocabulary(names.take(kept - 1)), code[numbers]


def seen_placements(histories: Histories, names: Vocabulary | None) -> Vocabulary | None:
    """The placements that events of the histories have; None where none is known."""
    if histories.placement is None or names is None:
        return None
    seen = np.flatnonzero(np.bincount(histories.placement, minlength=len(names) + 1)[1:])
    return Vocabulary(names.arrow.take(seen)) if len(seen) else None


def placement_code(names: Vocabulary | None, placement: str | None) -> int:
    """The code of one placement; 0 where it, or any, is not known."""
    return UNKNOWN if names is None or placement is None else names.index(placement)


def with_placements(histories: Histories, own: Vocabulary | None, other: Vocabulary | None) -> Histories:
    """The histories in the codes of another vocabulary: 0 for what that lacks, and no codes where there is none."""
    if histories.placement is None or own is None or other is None:
        return replace(histories, placement=None)
    code = np.append(np.uint8(0), other.indices(own.arrow)).astype(np.uint8)
    return replace(histories, placement=code[histories.placement])
