"""The bounds of the checks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from shopkeeper.config import Settings


class ValidationSettings(Settings):
    """From where on something is worth telling. Defaults agree with those of `prepare`."""

    earliest: datetime = datetime(1990, 1, 1, tzinfo=UTC)
    """Times before this moment are impossible."""
    latest: datetime | None = None
    """Times after this moment are impossible; None takes a day from now."""
    double_fired_seconds: Annotated[float, Field(ge=0)] = 2.0
    """Events of the same user, item and type within so many seconds were fired twice."""
    bot_events_a_day: Annotated[int, Field(ge=1)] = 500
    """Nobody with at most so many events in each day is a bot, whatever is usual."""
    deviations: Annotated[float, Field(gt=0)] = 6.0
    """Distance of the bounds of rates, prices and quantities from the median, in robust standard deviations."""
    least_factor: Annotated[float, Field(ge=1)] = 100.0
    """Bounds of prices and quantities are at least this factor away from the median."""
    examples: Annotated[int, Field(ge=0, le=100)] = 5
    """Rows shown for each finding."""
