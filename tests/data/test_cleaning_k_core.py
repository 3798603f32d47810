import numpy as np
from cleaning_logs import SECOND, log_of, words
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.cleaning.k_core import KCoreSettings, k_core


def core(users: int, items: int, rounds: int | None = None) -> KCoreSettings:
    return KCoreSettings(min_user_events=users, min_item_events=items, max_rounds=rounds)


def test_one_removal_brings_the_next():
    # User 3 has one event; without it item 9 has one, without that user 2 has one, and so on to the core of user 1.
    log = log_of([(1, 7, 0), (1, 8, 1), (1, 7, 2), (1, 8, 3), (2, 8, 4), (2, 9, 5), (3, 9, 6)])
    verdict = k_core(log, core(2, 2), None)
    assert words(verdict.reason) == ["", "", "", "", "rare_user", "rare_item", "rare_user"]
    assert verdict.facts["rounds"] == 3


def test_rounds_can_be_limited():
    log = log_of([(1, 7, 0), (1, 8, 1), (1, 7, 2), (1, 8, 3), (2, 8, 4), (2, 9, 5), (3, 9, 6)])
    assert words(k_core(log, core(2, 2, rounds=1), None).reason) == ["", "", "", "", "", "rare_item", "rare_user"]


def test_items_are_judged_by_training_and_go_later_too():
    log = log_of([(1, 7, 0), (1, 7, 1), (1, 8, 2), (1, 8, 10), (1, 8, 11), (1, 9, 12), (1, 7, 13)])
    reason = k_core(log, core(1, 2), 5 * SECOND).reason
    assert words(reason) == ["", "", "rare_item", "rare_item", "rare_item", "rare_item", ""]


def test_users_lose_their_training_rows_only():
    log = log_of([(1, 7, 0), (1, 7, 10), (2, 7, 0), (2, 7, 1), (3, 7, 10)])
    assert words(k_core(log, core(2, 1), 5 * SECOND).reason) == ["rare_user", "", "", "", ""]


def test_a_least_of_one_keeps_items_that_training_has_not_seen():
    log = log_of([(1, 7, 0), (1, 7, 1), (1, 9, 10)])
    assert words(k_core(log, core(2, 1), 5 * SECOND).reason) == ["", "", ""]


def test_no_events():
    assert len(k_core(log_of([]), core(2, 2), None).reason) == 0


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), max_size=50), st.integers(1, 4), st.integers(1, 4))
def test_what_is_left_is_the_largest_core(pairs, users, items):
    rows = sorted((user, item, 0) for user, item in pairs)
    kept = [
        row for row, code in zip(rows, k_core(log_of(rows), core(users, items), None).reason, strict=True) if not code
    ]
    expected = rows
    while True:
        fewer = [row for row in expected if sum(row[0] == other[0] for other in expected) >= users]
        fewer = [row for row in fewer if sum(row[1] == other[1] for other in fewer) >= items]
        if fewer == expected:
            break
        expected = fewer
    assert kept == expected


def test_counting_in_chunks_changes_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    rows = sorted(
        (int(user), int(item), 0) for user, item in zip(rng.integers(1, 9, 60), rng.integers(1, 9, 60), strict=True)
    )
    whole = k_core(log_of(rows), core(5, 5), None).reason
    monkeypatch.setattr("shopkeeper.data.cleaning.k_core.CHUNK", 7)
    assert np.array_equal(k_core(log_of(rows), core(5, 5), None).reason, whole)
    assert whole.any()
    assert not whole.all()
