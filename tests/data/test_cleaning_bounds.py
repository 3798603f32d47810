import numpy as np
import pytest
from cleaning_logs import SECOND, log_of, words

from shopkeeper.data.cleaning.bots import DAY, BotSettings, bots
from shopkeeper.data.cleaning.bounds import NO_BOUNDS, robust_bounds
from shopkeeper.data.cleaning.outliers import OutlierSettings, outliers
from shopkeeper.data.schema import EventType

BUY = EventType.PURCHASE


def test_bounds_of_a_log_normal_are_where_its_deviations_lie():
    values = np.exp(np.random.default_rng(0).normal(2.0, 0.5, 100_001))
    lower, upper = robust_bounds(values, deviations=3, least_factor=1)
    assert np.log(upper) == pytest.approx(3.5, abs=0.02)
    assert np.log(lower) == pytest.approx(0.5, abs=0.02)


def test_a_few_wild_values_do_not_move_the_bounds():
    values = np.exp(np.random.default_rng(0).normal(2.0, 0.5, 10_001))
    wild = np.concatenate([values, np.full(100, 1e9)])
    assert robust_bounds(wild, 3, 1).upper == pytest.approx(robust_bounds(values, 3, 1).upper, rel=0.1)


def test_where_most_values_are_one_the_mean_deviation_counts():
    values = np.array([1.0] * 9 + [np.e])
    assert np.log(robust_bounds(values, 2, 1).upper) == pytest.approx(2 * 1.2533 * 0.1)


def test_a_bound_is_never_nearer_than_the_factor():
    assert robust_bounds(np.ones(10), 3, 100) == pytest.approx((0.01, 100))


def test_no_positive_value_gives_no_bounds():
    assert robust_bounds(np.array([0.0, -1.0, np.nan]), 3, 100) == NO_BOUNDS


def test_quantities_and_prices_out_of_bounds():
    log = log_of(
        [(1, 1, place, BUY, units) for place, units in enumerate([1, 2, 1, 0, -1, 500, np.nan])], quantity=True
    )
    log.price = np.array([10, 10, 10, 0, -1, 0.01, 5000], dtype=np.float32)
    verdict = outliers(log, OutlierSettings(deviations=1), None)
    assert words(verdict.reason) == ["", "", "", "impossible_quantity", "impossible_quantity", "quantity_outlier",
                                     "price_outlier"]  # fmt: skip
    log.quantity = None
    assert words(outliers(log, OutlierSettings(deviations=1), None).reason) == [
        "", "", "", "", "impossible_price", "price_outlier", "price_outlier"
    ]  # fmt: skip


def test_bounds_look_at_training_only():
    rows = [(1, 1, 0, BUY, 1), (1, 1, 1, BUY, 90), (1, 1, 10, BUY, 1000), (1, 1, 11, BUY, 1e6)]
    log = log_of(rows, quantity=True)
    settings = OutlierSettings(deviations=0.1)
    before = outliers(log, settings, 5 * SECOND)
    log.quantity[2:] = 1e7
    assert outliers(log, settings, 5 * SECOND).facts == before.facts
    assert outliers(log, settings, None).facts != before.facts


def test_without_columns_nothing_is_an_outlier():
    assert not outliers(log_of([(1, 1, 0)]), OutlierSettings(), None).reason.any()


def day_of(user: int, day: int, n_events: int) -> list[tuple[int, int, int]]:
    return [(user, 1, day * DAY // SECOND + place) for place in range(n_events)]


def test_a_user_beyond_the_bound_goes_whole():
    log = log_of(day_of(1, 0, 3) + day_of(2, 0, 11) + day_of(2, 5, 1))
    verdict = bots(log, BotSettings(events_a_day=10, deviations=0.1), None)
    assert words(verdict.reason) == [""] * 3 + ["bot"] * 12
    assert verdict.facts == {"bound_events_a_day": 10.0, "users": 1}


def test_events_of_several_days_do_not_add_up():
    log = log_of(day_of(1, 0, 6) + day_of(1, 1, 6))
    assert not bots(log, BotSettings(events_a_day=10), None).reason.any()


def test_a_bot_of_later_days_keeps_its_training():
    log = log_of(day_of(1, 0, 2) + day_of(1, 3, 20))
    assert words(bots(log, BotSettings(events_a_day=10, deviations=0.1), 2 * DAY).reason) == ["", ""] + ["bot"] * 20


def test_many_events_are_no_bot_where_everybody_has_many():
    log = log_of([row for user in range(1, 9) for row in day_of(user, 0, 4 * user)])
    assert not bots(log, BotSettings(events_a_day=1, deviations=6), None).reason.any()
    assert bots(log, BotSettings(events_a_day=1, deviations=0.5), None).reason.any()


def test_no_events():
    assert len(bots(log_of([]), BotSettings(), None).reason) == 0
