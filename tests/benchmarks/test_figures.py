"""What benchmarks of next-item models share."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from shopkeeper.errors import ConfigError

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.figures import configs_by_model, coordinate_search, figure


def test_a_figure_is_the_mean_over_seeds_with_their_spread():
    found = figure([np.float32([0, 1, 1]), np.float32([1, 1, 1])], np.arange(3))
    assert found.value == pytest.approx(5 / 6)
    assert found.std == pytest.approx(np.std([2 / 3, 1], ddof=1))


def test_questions_that_hang_together_make_the_interval_wider():
    values = np.repeat(np.arange(100) % 2, 10).astype(np.float32)
    alone = figure([values], np.arange(1000))
    together = figure([values], np.repeat(np.arange(100), 10))
    assert alone.value == together.value == 0.5
    assert together.high - together.low > 2.5 * (alone.high - alone.low)


def test_the_search_moves_one_setting_at_a_time_until_nothing_gets_better():
    def attempt(config: dict[str, int]) -> float:
        return -((config.get("a", 0) - 2) ** 2) - (config.get("b", 0) - 1) ** 2

    tried = list(coordinate_search({}, {"a": [0, 1, 2], "b": [0, 1, 2]}, attempt))
    assert max(tried, key=lambda pair: pair[1]) == ({"a": 2, "b": 1}, 0)
    assert len({repr(sorted(config.items())) for config, _ in tried}) == len(tried)


def test_settings_of_models_are_read_from_the_command_line():
    found = configs_by_model(["STAN.neighbors=7", "stan.weights.view=2.0", "vsknn.query_decay=same"])
    assert found == {"stan": {"neighbors": 7, "weights": {"view": 2.0}}, "vsknn": {"query_decay": "same"}}
    with pytest.raises(ConfigError, match="another form"):
        configs_by_model(["neighbors=7"])
