"""How much one event of each type counts for the models that count."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from shopkeeper.config import Settings
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EVENT_TYPES, EventType
from shopkeeper.errors import DataError
from shopkeeper.search_space import Floats, SearchSpace
from shopkeeper.types import Float32Array

FIELDS: Final = {EventType.RETURN: "returned", EventType.REMOVE_FROM_CART: "removed"}
"""Settings that are not called as their event type is."""


class EventWeights(Settings):
    """Weight of one event, by type. Only the ratios matter."""

    impression: float = 0.0
    """Shown is not wanted."""
    view: float = 1.0
    """Looked at."""
    like: float = 2.0
    """Marked."""
    cart: float = 3.0
    """Put in the cart."""
    purchase: float = 5.0
    """Bought."""
    returned: float = 0.0
    """Sent back; below zero it takes back what the purchase counted."""
    removed: float = 0.0
    """Taken out of the cart."""

    search: ClassVar[SearchSpace] = {
        "view": Floats(0.05, 20.0, log=True),
        "like": Floats(0.05, 20.0, log=True),
        "cart": Floats(0.05, 20.0, log=True),
    }  # a purchase is the unit: only the ratios matter

    def by_code(self) -> Float32Array:
        """float32 [types + 1]; the weight of an event type stands at its `EventType.code`."""
        names = [FIELDS.get(event, event.value) for event in EVENT_TYPES]
        return np.array([0.0, *(getattr(self, name) for name in names)], dtype=np.float32)

    def relative(self, histories: Histories) -> Float32Array:
        """The weights by code, scaled so that the heaviest type that occurs in these histories counts 1.

        A log of one event type therefore counts every event once, whatever the type: regularization keeps its meaning.

        Raises:
            DataError: No event that occurs has a weight above zero.
        """
        weights = self.by_code()
        present = np.unique(histories.event_type)
        heaviest = float(weights[present].max(initial=0.0))
        if heaviest <= 0:
            raise DataError(
                "no event of this log counts for the model",
                expected="an event of a type whose weight is above zero",
                got="events of " + ", ".join(EVENT_TYPES[code - 1].value for code in present if code > 0),
                remedy="raise the weight of a type that the log has",
            )
        return (weights / heaviest).astype(np.float32)
