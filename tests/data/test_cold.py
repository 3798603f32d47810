"""New items and shoppers kept from training, on logs small enough to check by eye."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout, Split
from shopkeeper.data.leakage import check_leakage
from shopkeeper.data.roles import roles_of
from shopkeeper.data.split import questions_for, split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError

DAY = 86_400 * 1_000_000
LAST = SplitSettings(kind="leave_one_out")


def log(*shoppers: str, days: list[list[int]] | None = None) -> Dataset:
    """Shoppers u0, u1, ... from letters of items, one a day unless the days are given."""
    items = sorted(set("".join(shoppers)))
    days = days or [list(range(len(row))) for row in shoppers]
    flat = Histories.of_items([[items.index(letter) + 1 for letter in row] for row in shoppers])
    times = np.array([day * DAY for row in days for day in row], dtype=np.int64)
    histories = Histories(flat.offsets, flat.item_index, flat.event_type, times)
    return Dataset(Vocabulary([f"u{i}" for i in range(len(shoppers))]), Vocabulary(pa.array(items)), histories)


def read(holdout: Holdout, items: Vocabulary) -> dict[str, tuple[str, str]]:
    letters = ["?", *items.arrow.to_pylist()]
    parts = (holdout.histories, holdout.targets)
    return {
        user: tuple("".join(letters[item] for item in part.items_of(place)) for part in parts)
        for place, user in enumerate(holdout.user_ids.to_pylist())
    }


NEW_LAMP = log("abcdab", "bacdab", "abcxbx", "bax")
"""c, d and x appear on the third day and later; x is withheld with d."""


def test_the_items_that_appeared_last_do_not_train_and_are_asked_for():
    parts = split(NEW_LAMP, LAST.replace(cold_items=0.4))
    assert parts.train.items.arrow.to_pylist() == ["a", "b", "c"]
    assert parts.facts["cold"] == {"events": 3, "items": 2, "items_from": "1970-01-04T00:00:00+00:00"}
    asked = read(parts.test, parts.train.items)
    assert asked["u2"] == ("abcb", "?")
    assert asked["u0"] == ("abca", "b")


def test_an_item_without_an_event_before_the_held_out_ones_decides_nothing():
    late = log("abcab", "bacab", "abcxz")
    parts = split(late, LAST.replace(cold_items=0.3))
    assert parts.facts["cold"]["items"] == 1
    assert parts.train.items.arrow.to_pylist() == ["a", "b"]


def test_the_questions_name_new_items_in_an_extended_vocabulary():
    settings = LAST.replace(cold_items=0.4)
    parts = split(NEW_LAMP, settings)
    longer = parts.train.items.extended(["x", "d"])
    asked = questions_for(NEW_LAMP, settings, "test", parts.train.users, longer)
    assert read(asked, longer)["u2"] == ("abcxb", "x")
    assert read(asked, longer)["u0"] == ("abcda", "b")
    assert asked.user_index.tolist() == parts.test.user_index.tolist()


def test_the_shoppers_who_appeared_last_do_not_train_and_are_asked():
    data = log("abab", "abba", "baab", days=[[0, 1, 2, 3], [0, 1, 2, 3], [1, 2, 3, 4]])
    parts = split(data, LAST.replace(cold_users=0.3))
    assert parts.train.users.arrow.to_pylist() == ["u0", "u1"]
    assert parts.facts["cold"] == {"events": 2, "users": 1, "users_from": "1970-01-02T00:00:00+00:00"}
    assert parts.test.user_index.tolist() == [1, 2, 0]
    assert read(parts.test, parts.train.items)["u2"] == ("baa", "b")


def test_what_appeared_at_one_moment_stays_together_and_what_came_first_trains():
    at_once = log("abcd", "dcba", days=[[0] * 4, [0] * 4])
    for share in (0.1, 0.9):
        parts = split(at_once, LAST.replace(cold_items=share, cold_users=share))
        assert parts.train.n_users == 2
        assert parts.facts["cold"] == {"events": 0}


def test_without_a_share_nothing_is_withheld():
    assert split(NEW_LAMP, LAST).facts == {}
    assert roles_of(NEW_LAMP, LAST).withheld is None
    with pytest.raises(ConfigError, match="cold_items"):
        build(SplitSettings, {"cold_items": 1.0})


@pytest.fixture(scope="module")
def random_log() -> Dataset:
    """Forty shoppers of whom each begins later than the one before, and items that appear one after the other."""
    rng = np.random.default_rng(0)
    shoppers = [np.sort(rng.integers(start, start + 20, 12)) for start in range(40)]
    items = [[int(rng.integers(1, max(2, day // 2))) for day in days] for days in shoppers]
    flat = Histories.of_items(items)
    histories = Histories(flat.offsets, flat.item_index, flat.event_type, np.concatenate(shoppers) * DAY)
    return Dataset(Vocabulary(range(40)), Vocabulary(range(30)), histories)


@pytest.mark.parametrize("kind", ["global_time", "leave_one_out", "ratio", "user"])
@pytest.mark.parametrize("shares", [(0.2, 0.0), (0.0, 0.2), (0.2, 0.2)])
def test_neither_the_future_nor_what_is_withheld_changes_training(random_log, kind, shares):
    settings = SplitSettings(kind=kind, cold_items=shares[0], cold_users=shares[1])
    report = check_leakage(random_log, settings, {"popularity": lambda parts: {"n": parts.train.item_counts()}})
    assert report.passed, report.to_text()
    whole = split(random_log, settings.replace(cold_items=0.0, cold_users=0.0))
    cold = split(random_log, settings)
    assert cold.train.n_events == whole.train.n_events - cold.facts["cold"]["events"]
    assert cold.facts["cold"]["events"] > 0


def test_a_split_that_trains_on_what_should_be_withheld_is_caught(random_log):
    def leaky(dataset: Dataset, settings: SplitSettings) -> Split:
        return split(dataset, settings.replace(cold_items=0.0))

    report = check_leakage(random_log, LAST.replace(cold_items=0.3), make_split=leaky)
    assert report.checks[0].changed == ("item_index",)


def test_withheld_moments_are_those_of_first_events(random_log):
    facts = split(random_log, LAST.replace(cold_items=0.2)).facts["cold"]
    parts = split(random_log, LAST)
    moment = datetime.fromisoformat(facts["items_from"]).astimezone(UTC).timestamp() * 1e6
    first = np.full(parts.train.n_items + 1, np.inf)
    np.minimum.at(first, parts.train.histories.item_index, parts.train.histories.timestamp)
    assert int((first[1:] >= moment).sum()) == facts["items"]
