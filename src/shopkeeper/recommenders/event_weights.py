"""How much one event of each type counts for the models that count."""

from __future__ import annotations

import numpy as np

from shopkeeper.config import Settings
from shopkeeper.data.schema import EVENT_TYPES
from shopkeeper.types import Float32Array


class EventWeights(Settings):
    """Weight of one event, by type."""

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
    """Sent back."""

    def by_code(self) -> Float32Array:
        """float32 [types + 1]; the weight of an event type stands at its `EventType.code`."""
        names = ["returned" if event.value == "return" else event.value for event in EVENT_TYPES]
        return np.array([0.0, *(getattr(self, name) for name in names)], dtype=np.float32)
