"""Losses of labels: each takes logits and labels, float [b, heads], and gives one number an example, float [b]."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

LabelLoss: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def binary_loss(positive_weight: float = 1.0) -> LabelLoss:
    """Binary cross-entropy, the mean over heads; what comes weighs `positive_weight` times what does not."""

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        weight = logits.new_tensor(positive_weight)
        return functional.binary_cross_entropy_with_logits(logits, labels, reduction="none", pos_weight=weight).mean(1)

    return loss


def focal_loss(gamma: float, positive_weight: float = 1.0) -> LabelLoss:
    """Binary cross-entropy in which what is known already weighs less, by (1 - p)^gamma (Lin et al. 2017)."""

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        signed = torch.where(labels > 0, logits, -logits)
        weight = torch.where(labels > 0, positive_weight, 1.0)
        return (weight * torch.sigmoid(-signed) ** gamma * functional.softplus(-signed)).mean(1)

    return loss


def squared_error(logits: Tensor, labels: Tensor) -> Tensor:
    """Squared difference of amounts, the mean over heads."""
    return (logits - labels).square().mean(1)


def categorical_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the strongest behavior that came, against nothing.

    Args:
        logits: Float [b, heads + 1]; column 0 is nothing, the others from the weakest behavior to the strongest.
        labels: Float [b, heads]; from the weakest behavior to the strongest.
    """
    strength = torch.arange(1, labels.shape[1] + 1, device=labels.device)
    strongest = ((labels > 0) * strength).amax(dim=1)
    return functional.cross_entropy(logits, strongest, reduction="none")


def at_least(logits: Tensor) -> Tensor:
    """Of each behavior the log-odds that it, or a stronger one, is the strongest that comes.

    Args:
        logits: Float [b, heads + 1]; as of `categorical_loss`.

    Returns:
        Float [b, heads].
    """
    stronger = logits.flip(1).logcumsumexp(dim=1).flip(1)
    weaker = logits.logcumsumexp(dim=1)
    return stronger[:, 1:] - weaker[:, :-1]
