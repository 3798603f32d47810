"""Losses over a target and a sample of other items, each a function of logits, summed over targets.

All take the same three things: `right`, float [n], the logit of each target; `others`, float [n, k], logits of items
to compare it with, `ABSENT` where one does not count; and `log_expected`, float [k], the logarithm of how often each of
the k was expected in the sample (0 where it is certain). They return a scalar.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

ABSENT: Final = -1e30
"""The logit of an item that does not count; finite, so that a row where none counts has a gradient of zero."""

SampledLoss: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
SampledLossName: TypeAlias = Literal["sampled_softmax", "bce", "gbce", "bpr", "mse"]


def sampled_softmax_loss(right: Tensor, others: Tensor, log_expected: Tensor) -> Tensor:
    """Cross-entropy against the sample.

    The sum over the catalog is estimated: the target itself, and every sampled item divided by the number of times that
    it was expected in the sample (Bengio and Senécal 2008), so that the loss aims at the full softmax.
    """
    corrected = torch.where(others > ABSENT, others - log_expected, ABSENT)
    return (torch.logaddexp(right, corrected.logsumexp(dim=1)) - right).sum()


def binary_cross_entropy_loss(right: Tensor, others: Tensor, log_expected: Tensor) -> Tensor:
    """Each item alone: the target is liked, the others are not (Kang and McAuley 2018); the others weigh 1 together."""
    counted = (others > ABSENT).sum(dim=1).clamp(min=1)
    return (functional.softplus(-right) + functional.softplus(others).sum(dim=1) / counted).sum()


def generalized_bce_loss(n_items: int, k: int, calibration: float = 0.75) -> SampledLoss:
    """Binary cross-entropy that undoes the overconfidence of sampling (gBCE; Petrov and Macdonald, RecSys 2023).

    Args:
        n_items: Size of the catalog.
        k: Size of the sample.
        calibration: 0 is plain binary cross-entropy, 1 gives calibrated probabilities.
    """
    rate = min(1.0, k / max(1, n_items - 1))
    beta = rate * (calibration * (1 - 1 / rate) + 1 / rate)

    def loss(right: Tensor, others: Tensor, log_expected: Tensor) -> Tensor:
        return (beta * functional.softplus(-right) + functional.softplus(others).sum(dim=1)).sum()

    return loss


def bpr_loss(right: Tensor, others: Tensor, log_expected: Tensor) -> Tensor:
    """The target above each of the others (Rendle et al. 2009), the mean over them."""
    counted = (others > ABSENT).sum(dim=1).clamp(min=1)
    return (functional.softplus(others - right[:, None]).sum(dim=1) / counted).sum()


def squared_error_loss(right: Tensor, others: Tensor, log_expected: Tensor) -> Tensor:
    """Squared error of ratings: 1 for the target, 0 for the others, whose mean counts (Hu et al. 2008)."""
    present = others > ABSENT
    error = torch.where(present, others, 0.0).square().sum(dim=1) / present.sum(dim=1).clamp(min=1)
    return ((right - 1).square() + error).sum()


def sampled_loss(name: SampledLossName, n_items: int, k: int, calibration: float = 0.75) -> SampledLoss:
    """The loss of that name; the numbers are those of `generalized_bce_loss`."""
    losses: dict[SampledLossName, SampledLoss] = {
        "sampled_softmax": sampled_softmax_loss,
        "bce": binary_cross_entropy_loss,
        "gbce": generalized_bce_loss(n_items, k, calibration),
        "bpr": bpr_loss,
        "mse": squared_error_loss,
    }
    return losses[name]


def keep_hardest(others: Tensor, hardest: int | None) -> Tensor:
    """Only the highest logits of each row count.

    Args:
        others: Float [n, k].
        hardest: How many; None keeps all.

    Returns:
        Float [n, k], `ABSENT` where an item does not count any more.
    """
    if hardest is None or hardest >= others.shape[1]:
        return others
    threshold = others.detach().topk(hardest, dim=1).values[:, -1:]
    return torch.where(others >= threshold, others, ABSENT)


def contrastive_loss(one: Tensor, other: Tensor, same: Tensor, temperature: float = 1.0) -> Tensor:
    """InfoNCE between two views of the same states (DuoRec; Qiu et al., WSDM 2022), summed over states.

    Args:
        one: Float [n, size].
        other: Float [n, size]; row i is another view of row i of `one`; all other rows are what it must differ from.
        same: bool [n, n]; pairs that must not be told apart (they have the same target); they do not count.
        temperature: Divides the cosines.
    """
    one, other = functional.normalize(one, dim=1), functional.normalize(other, dim=1)
    logits = one @ other.T / temperature
    self = torch.eye(len(one), dtype=torch.bool, device=one.device)
    logits = logits.masked_fill(same & ~self, -math.inf)
    return functional.cross_entropy(logits, torch.arange(len(one), device=one.device), reduction="sum")
