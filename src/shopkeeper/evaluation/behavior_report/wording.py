"""Chances as a person reads them."""

from __future__ import annotations

from shopkeeper.evaluation.report import wording


def chance(value: float) -> str:
    """A chance in percent, with more digits the smaller it is: ``57.3 %``, ``0.42 %``, ``0.006 %``."""
    return wording.percent(value, 1 if value >= 0.1 else 2 if value >= 0.001 else 3)
