from __future__ import annotations

import numpy as np
import pytest
import torch

from shopkeeper.nn.negatives import NegativeSampler

COUNTS = np.array([99, 1, 0, 4, 9])


@pytest.mark.parametrize(
    ("power", "expected"),
    [(0.0, [1 / 4] * 4), (0.5, [1 / 7, 1 / 7, 2 / 7, 3 / 7]), (1.0, [1 / 15, 1 / 15, 4 / 15, 9 / 15])],
)
def test_items_are_drawn_in_proportion_and_know_their_expected_number(power, expected):
    torch.manual_seed(0)
    items, log_expected = NegativeSampler(COUNTS, power).draw(40_000)
    counts = np.bincount(items.numpy(), minlength=5)
    assert counts[0] == 0
    np.testing.assert_allclose(counts[1:] / 40_000, expected, atol=0.01)
    np.testing.assert_allclose(log_expected.exp().numpy(), 40_000 * np.array(expected)[items.numpy() - 1], rtol=1e-5)


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_the_seed_decides(power):
    sampler = NegativeSampler(COUNTS, power)
    torch.manual_seed(3)
    first = sampler.draw(20)[0]
    torch.manual_seed(3)
    assert sampler.draw(20)[0].tolist() == first.tolist()
