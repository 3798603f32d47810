"""What is hidden: learned from repeats of purchases where there are purchases, by category, and for a time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import DAY, Hide, HidingPolicy, HidingSettings, hide_of, in_cart
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError

VIEW, LIKE, CART, BUY = EventType.VIEW, EventType.LIKE, EventType.CART, EventType.PURCHASE
Row = tuple[int, EventType, float]


def histories(*users: list[Row]) -> Histories:
    """Events of shoppers as item, type and day."""
    rows = [row for user in users for row in user]
    offsets = np.concatenate([[0], np.cumsum([len(user) for user in users])]).astype(np.int64)
    return Histories(
        offsets, np.array([row[0] for row in rows], np.int32), np.array([row[1].code for row in rows], np.uint8),
        np.array([round(row[2] * DAY) for row in rows], np.int64),
    )  # fmt: skip


def log(*users: list[Row], categories: list[str | None] | None = None) -> Dataset:
    found = histories(*users)
    n = int(found.item_index.max()) if categories is None else len(categories)
    catalog = None if categories is None else Catalog(pa.table({"item_id": range(1, n + 1), "category": categories}))
    return Dataset(Vocabulary(range(len(users))), Vocabulary(range(1, n + 1)), found, catalog=catalog)


LOOKS: list[Row] = [(1, VIEW, 0), (2, VIEW, 1), (1, VIEW, 2), (2, VIEW, 3)]


def test_what_is_looked_at_again_and_bought_once_is_hidden_once_it_is_bought():
    policy = HidingPolicy.learned(log(*[[*LOOKS, (1, BUY, 4)] for _ in range(20)]))
    assert policy == HidingPolicy(hide=Hide.BOUGHT)
    assert policy.words == "bought items are hidden"


def test_without_purchases_repeats_of_interest_decide():
    assert HidingPolicy.learned(log(LOOKS, LOOKS)).hide is Hide.NONE
    assert HidingPolicy.learned(log(LOOKS[:2], LOOKS[:2])).hide is Hide.SEEN


def test_where_nothing_repeats_all_that_was_seen_is_hidden():
    assert HidingPolicy.learned(log([(1, VIEW, 0), (1, BUY, 1)], [(2, BUY, 1)])) == HidingPolicy(hide=Hide.SEEN)


def test_what_is_bought_again_is_hidden_for_as_long_as_hardly_anybody_buys_it_again():
    weekly = [[(1, BUY, 7.0 * week) for week in range(10)] for _ in range(20)]
    policy = HidingPolicy.learned(log(*weekly))
    assert (policy.hide, policy.bought_days) == (Hide.BOUGHT, 7.0)
    rule = policy.rule(None, Vocabulary([1]))
    bought = histories([(1, BUY, 0)])
    assert rule.hides(bought, np.array([6 * DAY])).tolist() == [True]
    assert rule.hides(bought, np.array([7 * DAY])).tolist() == [False]


def test_lines_of_one_basket_are_no_repeat():
    twice = [[*LOOKS, (1, BUY, 4), (1, BUY, 4)] for _ in range(20)]
    assert HidingPolicy.learned(log(*twice)) == HidingPolicy(hide=Hide.BOUGHT)


def test_categories_of_goods_that_are_used_up_are_told_from_others():
    users = [
        [
            *((1, BUY, 10.0 * n) for n in range(6)),
            (2, BUY, 61),
            (3, BUY, 62),
            (2, VIEW, 63),
            (3, VIEW, 64),
            (2, VIEW, 65),
        ]
        for _ in range(120)
    ]
    policy = HidingPolicy.learned(log(*users, categories=["Office > Ink", "Office > Printers", "Cameras", None]))
    assert policy.bought_days == 10
    assert policy.category_days == {"Office > Printers": None, "Cameras": None}
    assert policy.words == "bought items are hidden for 10 days, in 2 categories for ever"
    later = ["Office > Ink", "Office > Printers > Small", "Cameras", "x"]
    rule = policy.rule(Catalog(pa.table({"item_id": [1, 2, 3, 4], "category": later})), Vocabulary([1, 2, 3, 4]))
    assert rule.bought_days[1:].tolist() == [10, np.inf, np.inf, 10]


def test_a_category_with_few_purchases_follows_the_shop():
    users = [[*LOOKS, (1, BUY, 4)] for _ in range(50)]
    users[0] = [*LOOKS, (2, BUY, 5), (2, BUY, 9)]
    assert HidingPolicy.learned(log(*users, categories=["a", "b"])) == HidingPolicy(hide=Hide.BOUGHT)


def test_what_a_question_says_counts_for_all_of_it():
    policy = HidingPolicy(hide=Hide.BOUGHT, bought_days=3, category_days={"a": None})
    assert policy.asked(None) is policy
    assert policy.asked(Hide.SEEN) == HidingPolicy(hide=Hide.SEEN)
    assert policy.asked(None, 5) == HidingPolicy(hide=Hide.BOUGHT, bought_days=5, seen_days=5)


def test_both_ways_to_say_it_must_agree():
    assert hide_of("bought", None) is Hide.BOUGHT
    assert [hide_of(None, one) for one in (True, False, None)] == [Hide.SEEN, Hide.NONE, None]
    assert hide_of("seen", True) is Hide.SEEN
    with pytest.raises(ConfigError, match="contradict"):
        hide_of("bought", True)
    with pytest.raises(ConfigError, match="did you mean 'bought'"):
        hide_of("bougth", None)
    with pytest.raises(ConfigError, match="contradict"):
        build(HidingSettings, {"hide": "none", "hide_seen": True})


events = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from([VIEW, LIKE, CART, BUY]), st.integers(0, 40)), min_size=1, max_size=20
).map(lambda rows: sorted(rows, key=lambda row: row[2]))
days = st.none() | st.integers(0, 30)


@given(st.lists(events, min_size=1, max_size=3), st.sampled_from(list(Hide)), days, days, st.integers(40, 60))
def test_the_rule_is_what_a_reader_would_do(users, hide, bought_days, seen_days, now):
    policy = HidingPolicy(hide=hide, bought_days=bought_days, seen_days=seen_days)
    asked = histories(*users)
    hides = policy.rule(None, Vocabulary(range(1, 5))).hides(asked, np.full(len(users), now * DAY))
    for row, user in enumerate(users):
        expected = set()
        for item in {one[0] for one in user}:
            bought = [day for which, kind, day in user if which == item and kind is BUY]
            last = max(bought) if bought else max(day for which, _, day in user if which == item)
            limit = bought_days if bought else seen_days
            meant = hide is Hide.SEEN or (hide is Hide.BOUGHT and bought)
            if meant and (limit is None or now - last < limit):
                expected.add(item)
        mine = asked.rows == row
        assert set(asked.item_index[mine & hides].tolist()) == expected


@given(st.lists(events, min_size=1, max_size=3), days, st.integers(40, 60))
def test_the_cart_is_what_a_reader_would_find_in_it(users, cart_days, now):
    asked = histories(*users)
    found = in_cart(asked, cart_days, np.full(len(users), now * DAY))
    for row, user in enumerate(users):
        expected = {
            item
            for place, (item, kind, day) in enumerate(user)
            if kind is CART
            and (cart_days is None or now - day < cart_days)
            and not any(later == item and what is BUY for later, what, _ in user[place + 1 :])
        }
        assert set(asked.item_index[(asked.rows == row) & found].tolist()) == expected
