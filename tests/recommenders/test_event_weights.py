from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.errors import DataError
from shopkeeper.recommenders.event_weights import EventWeights


def of_types(*kinds: EventType) -> Histories:
    histories = Histories.of_items([[1] * len(kinds)])
    return replace(histories, event_type=np.array([kind.code for kind in kinds], dtype=np.uint8))


def test_every_type_has_a_weight_at_its_code():
    weights = EventWeights(returned=-5).by_code()
    assert len(weights) == len(EventType) + 1
    assert weights[0] == 0
    assert weights[EventType.PURCHASE.code] == 5
    assert weights[EventType.RETURN.code] == -5


def test_the_heaviest_type_of_the_log_counts_one():
    both = EventWeights().relative(of_types(EventType.VIEW, EventType.PURCHASE))
    assert both[EventType.PURCHASE.code] == 1
    assert both[EventType.VIEW.code] == pytest.approx(0.2)
    assert EventWeights().relative(of_types(EventType.VIEW))[EventType.VIEW.code] == 1


def test_a_log_without_any_event_that_counts_is_refused():
    with pytest.raises(DataError, match="events of impression, return"):
        EventWeights().relative(of_types(EventType.RETURN, EventType.IMPRESSION))
