from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from shopkeeper.nn.losses import (
    ABSENT,
    binary_cross_entropy_loss,
    bpr_loss,
    contrastive_loss,
    generalized_bce_loss,
    keep_hardest,
    sampled_loss,
    sampled_softmax_loss,
    squared_error_loss,
)

NAMES = ("sampled_softmax", "bce", "gbce", "bpr", "mse")


def logits(n: int, k: int) -> torch.Tensor:
    return torch.randn(n, k, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)


def test_a_sample_of_the_whole_catalog_is_the_full_softmax():
    everything, targets = logits(20, 11), torch.arange(20) % 11
    right = everything.gather(1, targets[:, None])[:, 0]
    others = everything.masked_fill(functional.one_hot(targets, 11).bool(), ABSENT)
    ours = sampled_softmax_loss(right, others, torch.zeros(11))
    theirs = functional.cross_entropy(everything, targets, reduction="sum")
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(*(torch.autograd.grad(loss, everything)[0] for loss in (ours, theirs)))


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_samples_estimate_the_sum_over_the_catalog(power):
    everything, targets = logits(8, 50).detach(), torch.arange(8)
    probability = torch.arange(1, 51, dtype=torch.float64) ** power
    probability /= probability.sum()
    drawn = torch.multinomial(probability, 20_000, True, generator=torch.Generator().manual_seed(1))
    others = everything[:, drawn].masked_fill(targets[:, None] == drawn, ABSENT)
    right = everything.gather(1, targets[:, None])[:, 0]
    loss = sampled_softmax_loss(right, others, (20_000 * probability[drawn]).log())
    assert loss.item() == pytest.approx(functional.cross_entropy(everything, targets, reduction="sum").item(), rel=0.02)


def test_binary_losses_equal_those_of_pytorch():
    right, others = logits(4, 1)[:, 0], logits(4, 6)
    positive = functional.binary_cross_entropy_with_logits(right, torch.ones_like(right), reduction="sum")
    negative = functional.binary_cross_entropy_with_logits(others, torch.zeros_like(others), reduction="sum")
    nothing = torch.zeros(6)
    torch.testing.assert_close(binary_cross_entropy_loss(right, others, nothing), positive + negative / 6)
    torch.testing.assert_close(
        generalized_bce_loss(100, 6, calibration=0.0)(right, others, nothing), positive + negative
    )
    calibrated = generalized_bce_loss(100, 6, calibration=1.0)(right, others, nothing)
    torch.testing.assert_close(calibrated, 6 / 99 * positive + negative)


def test_pairs_and_squares_by_eye():
    right, others = torch.tensor([1.0]), torch.tensor([[1.0, 3.0, ABSENT]])
    pairs = (math.log(2) + math.log(1 + math.exp(2))) / 2
    assert bpr_loss(right, others, torch.zeros(3)).item() == pytest.approx(pairs)
    assert squared_error_loss(right, others, torch.zeros(3)).item() == pytest.approx(0 + (1 + 9) / 2)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_absent_has_no_gradient_and_right_wants_to_rise(name):
    right, others = logits(3, 1)[:, 0].detach().requires_grad_(), logits(3, 5)
    absent = torch.zeros(3, 5, dtype=torch.bool)
    absent[:, 2] = True
    absent[1] = True
    loss = sampled_loss(name, 100, 5)(right, others.masked_fill(absent, ABSENT), torch.zeros(5))
    assert math.isfinite(loss.item())
    at_right, at_others = torch.autograd.grad(loss, (right, others))
    assert at_others[absent].tolist() == [0.0] * 7
    assert name == "mse" or (at_right[[0, 2]] < 0).all()


def test_only_the_hardest_count():
    others = torch.tensor([[1.0, 3.0, 2.0, ABSENT], [5.0, ABSENT, ABSENT, 4.0]])
    kept = keep_hardest(others, 2)
    assert (kept > ABSENT).tolist() == [[False, True, True, False], [True, False, False, True]]
    assert keep_hardest(others, None) is keep_hardest(others, 4) is others


def test_contrast_tells_views_of_different_states_apart():
    one = torch.eye(3, 4)
    none_alike = torch.eye(3, dtype=torch.bool)
    near, far = (contrastive_loss(one, other, none_alike, 0.1).item() for other in (one, one.flip(0)))
    assert near < 0.01
    assert far > 5
    first_two = none_alike.clone()
    first_two[:2, :2] = True
    assert contrastive_loss(one, one[[1, 0, 2]], first_two, 0.1).item() < far
