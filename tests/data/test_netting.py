"""What is taken back, against a stack that a reader can follow."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.netting import settled
from shopkeeper.data.schema import EventType

BUY, BACK, CART, OUT = EventType.PURCHASE, EventType.RETURN, EventType.CART, EventType.REMOVE_FROM_CART
VIEW, SHOWN = EventType.VIEW, EventType.IMPRESSION


def kept(*events: tuple[int, EventType, float | None]) -> list[int]:
    """Places of the events of one shopper that stay; each is an item, a type and a quantity."""
    items, types, quantity = zip(*events, strict=True)
    codes = np.array([one.code for one in types], dtype=np.uint8)
    units = np.array([np.nan if one is None else one for one in quantity], dtype=np.float32)
    return np.flatnonzero(settled(np.array(items, dtype=np.int64), codes, units)).tolist()


def test_one_of_two_pieces_sent_back_leaves_a_purchase():
    assert kept((7, BUY, 2), (7, BACK, 1)) == [0]
    assert kept((7, BUY, 2), (7, BACK, 1), (7, BACK, 1)) == []
    assert kept((7, BUY, None), (7, BACK, None)) == []
    assert kept((7, BUY, None), (8, BACK, None)) == [0]


def test_what_was_taken_out_of_the_cart_is_not_in_it():
    assert kept((7, CART, None), (8, CART, None), (7, OUT, None)) == [1]
    assert kept((7, CART, 1), (7, CART, 2), (7, OUT, None)) == []
    assert kept((7, CART, 1), (7, CART, 2), (7, OUT, 2)) == [0]
    assert kept((7, CART, 3), (7, OUT, 1)) == [0]
    assert kept((7, OUT, None), (7, CART, None)) == [1]
    assert kept((7, CART, None), (7, OUT, None), (7, CART, None)) == [2]


def test_a_purchase_and_a_cart_are_apart():
    assert kept((7, CART, None), (7, BUY, None), (7, BACK, None)) == [0]
    assert kept((7, BUY, None), (7, OUT, None), (7, SHOWN, None), (7, VIEW, None)) == [0, 3]


def by_stack(events):
    """The same with one stack for each item and kind."""
    stacks, left, keep = {}, {}, []
    for place, (item, kind, quantity) in enumerate(events):
        if kind in (BUY, CART):
            stacks.setdefault((item, kind), []).append(place)
            left[place] = 1.0 if quantity is None else quantity
        if kind in (BACK, OUT):
            stack = stacks.setdefault((item, BUY if kind is BACK else CART), [])
            wanted = (1.0 if kind is BACK else float("inf")) if quantity is None else quantity
            while wanted and stack:
                taken = min(wanted, left[stack[-1]])
                left[stack[-1]] -= taken
                wanted -= taken
                if left[stack[-1]] == 0:
                    stack.pop()
        if kind in (BUY, CART, VIEW):
            keep.append(place)
    return [place for place in keep if left.get(place, 1.0) > 0]


steps = st.tuples(
    st.integers(1, 3), st.sampled_from([BUY, BACK, CART, OUT, VIEW, SHOWN]), st.none() | st.integers(1, 4)
)


@given(st.lists(steps, min_size=1, max_size=30))
def test_as_a_stack_tells(events):
    assert kept(*events) == by_stack(events)
