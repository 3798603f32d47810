"""Robust bounds of a positive number, such as a price: median and spread of its logarithm.

The spread is the median absolute deviation times 1.4826, which is the standard deviation where the logarithm is normal
(Hampel 1974); where more than half of the values are one (most quantities are 1) it is 0, and the mean absolute
deviation times 1.2533 stands in for it (Iglewicz and Hoaglin 1993). A bound is never nearer than a factor from the
median, so that a shop that sells everything once does not lose the shopper who takes three.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MEDIAN_TO_DEVIATION = 1.4826
MEAN_TO_DEVIATION = 1.2533


class Bounds(NamedTuple):
    """The least and the greatest usual value."""

    lower: float
    upper: float


NO_BOUNDS = Bounds(0.0, float("inf"))


def robust_bounds(values: NDArray[Any], deviations: float, least_factor: float) -> Bounds:
    """Bounds of usual values.

    Args:
        values: Positive numbers; anything else is left out.
        deviations: Distance of a bound from the median, in standard deviations of the logarithm.
        least_factor: A bound is at least this factor away from the median.

    Returns:
        The bounds; 0 and infinity where there is no value.
    """
    usable = values[(values > 0) & np.isfinite(values)]
    if len(usable) == 0:
        return NO_BOUNDS
    logs = np.log(usable.astype(np.float64))
    median = float(np.median(logs))
    distances = np.abs(logs - median)
    spread = float(np.median(distances)) * MEDIAN_TO_DEVIATION or float(distances.mean()) * MEAN_TO_DEVIATION
    reach = max(deviations * spread, float(np.log(least_factor)))
    with np.errstate(over="ignore"):
        return Bounds(float(np.exp(median - reach)), float(np.exp(median + reach)))
