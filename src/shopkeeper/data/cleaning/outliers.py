"""Quantities and prices that cannot be, or lie far outside of what is usual in the log."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.data.cleaning.bounds import robust_bounds
from shopkeeper.data.cleaning.log import Log, Verdict
from shopkeeper.data.cleaning.reasons import Reason
from shopkeeper.types import BoolArray


class OutlierSettings(Settings):
    """What counts as an outlier."""

    drop: bool = True
    """Whether outliers are left out."""
    deviations: Annotated[float, Field(gt=0)] = 6.0
    """Distance of the bounds from the median, in robust standard deviations of the logarithm."""
    least_factor: Annotated[float, Field(ge=1)] = 100.0
    """The bounds are at least this factor away from the median."""


def outliers(log: Log, settings: OutlierSettings, fit_until: int | None) -> Verdict:
    """Finds impossible and unusual quantities and prices; a missing one is neither.

    A quantity must be positive and not beyond the upper bound (a small one is never odd); a price must not be negative
    (0 is a gift) and, where it is not 0, lie between both bounds.

    Args:
        log: Events in any order.
        settings: What counts as an outlier.
        fit_until: The bounds look at events before this moment only, Unix microseconds; None takes all.
    """
    training = slice(None) if fit_until is None else log.time < fit_until
    masks: dict[Reason, BoolArray] = {}
    facts: dict[str, Any] = {}
    if log.quantity is not None:
        upper = robust_bounds(log.quantity[training], settings.deviations, settings.least_factor).upper
        masks[Reason.IMPOSSIBLE_QUANTITY] = log.quantity <= 0
        masks[Reason.QUANTITY_OUTLIER] = log.quantity > upper
        facts["quantity_at_most"] = _plain(upper)
    if log.price is not None:
        lower, upper = robust_bounds(log.price[training], settings.deviations, settings.least_factor)
        masks[Reason.IMPOSSIBLE_PRICE] = log.price < 0
        masks[Reason.PRICE_OUTLIER] = (log.price > upper) | ((log.price < lower) & (log.price > 0))
        facts |= {"price_at_least": _plain(lower), "price_at_most": _plain(upper)}
    return Verdict.of(masks, len(log), facts)


def _plain(bound: float) -> float | None:
    """A number that JSON can hold; None for no bound."""
    return bound if np.isfinite(bound) else None
