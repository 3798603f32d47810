import numpy as np
from cleaning_logs import SECOND, log_of, words
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.cleaning.returns import net_returns
from shopkeeper.data.schema import EventType

BUY, BACK, VIEW = EventType.PURCHASE, EventType.RETURN, EventType.VIEW


def test_a_return_takes_the_latest_purchase_first():
    log = log_of([(1, 7, 0, BUY, 2), (1, 7, 1, BUY, 3), (1, 7, 2, BACK, 3)], quantity=True)
    assert words(net_returns(log, None).reason) == ["", "returned", "return_netted"]
    assert log.quantity[0] == 2


def test_a_return_of_a_part_reduces_the_purchase():
    log = log_of([(1, 7, 0, BUY, 5), (1, 7, 1, BACK, 2)], quantity=True)
    verdict = net_returns(log, None)
    assert words(verdict.reason) == ["", "return_netted"]
    assert log.quantity[0] == 3
    assert verdict.facts == {"purchases_reduced": 1, "returns_after_training": 0}


def test_a_return_goes_on_to_the_purchase_before():
    log = log_of([(1, 7, 0, BUY, 2), (1, 7, 1, BUY, 3), (1, 7, 2, BACK, 4)], quantity=True)
    assert words(net_returns(log, None).reason) == ["", "returned", "return_netted"]
    assert log.quantity[0] == 1


def test_a_return_before_its_purchase_finds_none():
    log = log_of([(1, 7, 0, BACK, 1), (1, 7, 1, BUY, 1), (2, 7, 2, BACK, 1)], quantity=True)
    assert words(net_returns(log, None).reason) == ["return_without_purchase", "", "return_without_purchase"]


def test_other_items_other_users_and_views_do_not_count():
    log = log_of([(1, 7, 0, VIEW), (1, 8, 1, BUY), (1, 7, 2, BACK), (2, 7, 3, BUY)])
    assert words(net_returns(log, None).reason) == ["", "", "return_without_purchase", ""]


def test_without_quantities_each_event_is_one_unit():
    log = log_of([(1, 7, 0, BUY), (1, 7, 1, BUY), (1, 7, 2, BACK)])
    assert words(net_returns(log, None).reason) == ["", "returned", "return_netted"]


def test_a_return_after_training_stays_with_the_purchase_of_training():
    rows = [(1, 7, 0, BUY, 2), (1, 7, 10, BACK, 2), (1, 7, 11, BUY, 1), (1, 7, 12, BACK, 1)]
    log = log_of(rows, quantity=True)
    verdict = net_returns(log, 5 * SECOND)
    assert words(verdict.reason) == ["", "", "returned", "return_netted"]
    assert log.quantity[:2].tolist() == [2, 2]
    assert verdict.facts["returns_after_training"] == 1


def test_what_a_return_after_training_takes_of_later_purchases_is_taken_off_it():
    rows = [(1, 7, 0, BUY, 2), (1, 7, 10, BUY, 1), (1, 7, 11, BACK, 3)]
    log = log_of(rows, quantity=True)
    assert words(net_returns(log, 5 * SECOND).reason) == ["", "returned", ""]
    assert (log.quantity[0], log.quantity[2]) == (2, 2)


def test_no_events():
    assert len(net_returns(log_of([]), None).reason) == 0


def by_stack(rows):
    """The same with one stack a pair of user and item: units left of each purchase, units found by each return."""
    stacks: dict[tuple[int, int], list[int]] = {}
    left = [float(row[4]) for row in rows]
    found = [0.0] * len(rows)
    for place, (user, item, _, kind, units) in enumerate(rows):
        stack = stacks.setdefault((user, item), [])
        if kind is BUY:
            stack.append(place)
            continue
        wanted = units
        while wanted and stack:
            taken = min(wanted, left[stack[-1]])
            left[stack[-1]] -= taken
            found[place] += taken
            wanted -= taken
            if left[stack[-1]] == 0:
                stack.pop()
    return left, found


trades = st.lists(
    st.tuples(st.integers(1, 2), st.integers(1, 2), st.just(0), st.sampled_from([BUY, BACK]), st.integers(1, 4)),
    max_size=30,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


@given(trades)
def test_agrees_with_a_stack(rows):
    left, found = by_stack(rows)
    log = log_of(rows, quantity=True)
    reason = words(net_returns(log, None).reason)
    for place, (_, _, _, kind, units) in enumerate(rows):
        if kind is BUY:
            assert reason[place] == ("returned" if left[place] == 0 else "")
            assert left[place] in (0, log.quantity[place])
        else:
            assert reason[place] == ("return_netted" if found[place] else "return_without_purchase")
            assert found[place] <= units
    assert np.all(log.quantity > 0)
