"""Event types: codes on disk never change, and the words of other systems are understood."""

import numpy as np
import pytest

from shopkeeper.data.schema import INTEREST_TYPES, READ_CODES, EventType, event_type_of
from shopkeeper.recommenders.event_weights import EventWeights


def test_codes_on_disk_stay():
    codes = {event_type.value: event_type.code for event_type in EventType}
    assert codes == {
        "impression": 1, "view": 2, "like": 3, "cart": 4, "purchase": 5, "return": 6, "remove_from_cart": 7,
    }  # fmt: skip
    assert READ_CODES == 7  # tables of networks that were saved have so many rows


@pytest.mark.parametrize(
    "word",
    ["remove_from_cart", "Remove From Cart", "removefromcart", "cart-remove", "Product Removed", "uncart",
     "remove_from_basket", "delete_from_cart"],
)  # fmt: skip
def test_removing_from_the_cart_has_many_words(word: str):
    assert event_type_of(word) is EventType.REMOVE_FROM_CART


def test_removing_from_the_cart_is_no_interest():
    assert EventType.REMOVE_FROM_CART not in INTEREST_TYPES
    weights = EventWeights().by_code()
    assert weights[EventType.REMOVE_FROM_CART.code] == 0
    np.testing.assert_array_equal(weights, [0, 0, 1, 2, 3, 5, 0, 0])
