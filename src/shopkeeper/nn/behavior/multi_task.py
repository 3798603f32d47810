"""Networks that predict several behaviors at once and share what they know: by one bottom, or by experts and gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from shopkeeper.nn.behavior.batch import Embedded
from shopkeeper.nn.behavior.layers import Perceptron
from shopkeeper.nn.behavior.network import Body
from shopkeeper.nn.behavior.target_attention import TargetAttention


class MixtureOfExperts(nn.Module):
    """For each task a mixture of the experts that it may ask, by a gate of its own (MMoE; Ma et al., KDD 2018).

    Args:
        n_in: Width of each task's input.
        size: Width of what experts say.
        asked: For each task the numbers of the experts that it may ask.
        n_experts: Number of experts.
        dropout: Share dropped, in training.
    """

    def __init__(self, n_in: int, size: int, asked: Sequence[Sequence[int]], n_experts: int, dropout: float) -> None:
        super().__init__()
        self.asked = [list(experts) for experts in asked]
        self.experts = nn.ModuleList(Perceptron(n_in, (size,), size, dropout) for _ in range(n_experts))
        self.gates = nn.ModuleList(nn.Linear(n_in, len(experts)) for experts in self.asked)

    def forward(self, inputs: Sequence[Tensor], sources: Sequence[int]) -> list[Tensor]:
        """What each task hears.

        Args:
            inputs: One float [b, n_in] for each task; further ones for experts alone.
            sources: For each expert the number of its input.

        Returns:
            One float [b, size] for each task.
        """
        said = torch.stack(
            [functional.relu(expert(inputs[source])) for expert, source in zip(self.experts, sources, strict=True)],
            dim=1,
        )
        heard = []
        for task, (experts, gate) in enumerate(zip(self.asked, self.gates, strict=True)):
            weights = gate(inputs[task]).softmax(dim=1)
            heard.append((weights[:, None, :] @ said[:, experts]).squeeze(1))
        return heard


class MultiTaskBody(Body):
    """Base: features, fields, the item and the history weighed by it side by side; subclasses share above that.

    Args:
        attention: Weighs the events.
    """

    def __init__(self, attention: TargetAttention) -> None:
        super().__init__()
        self.attention = attention


class SharedBottomBody(MultiTaskBody):
    """One perceptron for all behaviors and a tower for each (Caruana 1997).

    Args:
        attention: Weighs the events.
        bottom: Of the whole; gives what towers read.
        towers: One a behavior; each gives one logit.
        through: The behaviors after the first count only through it: their chance is a share of its chance (ESMM; Ma
            et al., SIGIR 2018).
    """

    def __init__(
        self, attention: TargetAttention, bottom: nn.Module, towers: nn.ModuleList, through: bool = False
    ) -> None:
        super().__init__(attention)
        self.bottom = bottom
        self.towers = towers
        self.through = through

    def forward(self, embedded: Embedded) -> Tensor:
        """Logits, float [b, behaviors]."""
        shared = functional.relu(self.bottom(self.attention.whole(embedded)))
        logits = torch.cat([tower(shared) for tower in self.towers], dim=1)
        return through_the_first(logits) if self.through else logits


def through_the_first(logits: Tensor) -> Tensor:
    """Log-odds of the first, and of each other one times the first: sigmoid(result) = sigmoid(first) sigmoid(other).

    Args:
        logits: Float [b, behaviors].
    """
    first = logits[:, :1]
    logarithm = functional.logsigmoid(first) + functional.logsigmoid(logits[:, 1:])
    rest = torch.log(-torch.expm1(logarithm.clamp(max=-1e-6)))
    return torch.cat([first, logarithm - rest], dim=1)


class ExpertsBody(MultiTaskBody):
    """Experts that all behaviors ask, each by its own gate, and a tower for each (MMoE).

    Args:
        attention: Weighs the events.
        width: Of the whole.
        size: Width of what experts say.
        n_experts: Experts of all.
        towers: One a behavior, of `size`; each gives one logit.
        dropout: Share dropped, in training.
    """

    def __init__(
        self, attention: TargetAttention, width: int, size: int, n_experts: int, towers: nn.ModuleList, dropout: float
    ) -> None:
        super().__init__(attention)
        self.experts = MixtureOfExperts(width, size, [range(n_experts)] * len(towers), n_experts, dropout)
        self.towers = towers
        self.n_experts = n_experts

    def forward(self, embedded: Embedded) -> Tensor:
        """Logits, float [b, behaviors]."""
        whole = self.attention.whole(embedded)
        heard = self.experts([whole] * len(self.towers), [0] * self.n_experts)
        return torch.cat([tower(part) for tower, part in zip(self.towers, heard, strict=True)], dim=1)


class LayeredExpertsBody(MultiTaskBody):
    """Experts of each behavior beside experts of all, in layers (PLE; Tang et al., RecSys 2020).

    Args:
        attention: Weighs the events.
        width: Of the whole.
        size: Width of what experts say.
        n_layers: Layers of experts.
        n_experts: Experts of each behavior, and as many of all.
        towers: One a behavior, of `size`; each gives one logit.
        dropout: Share dropped, in training.
    """

    def __init__(
        self, attention: TargetAttention, width: int, size: int, n_layers: int, n_experts: int, towers: nn.ModuleList,
        dropout: float,
    ) -> None:  # fmt: skip
        super().__init__(attention)
        n_tasks = len(towers)
        shared = list(range(n_tasks * n_experts, (n_tasks + 1) * n_experts))
        own = [list(range(task * n_experts, (task + 1) * n_experts)) for task in range(n_tasks)]
        everything = list(range((n_tasks + 1) * n_experts))
        self.sources = [place // n_experts for place in everything]
        layers = []
        for place in range(n_layers):
            asked = [experts + shared for experts in own]
            if place + 1 < n_layers:  # what all share goes on, and hears all
                asked.append(everything)
            layers.append(MixtureOfExperts(width if place == 0 else size, size, asked, len(everything), dropout))
        self.layers = nn.ModuleList(layers)
        self.towers = towers

    def forward(self, embedded: Embedded) -> Tensor:
        """Logits, float [b, behaviors]."""
        heard = [self.attention.whole(embedded)] * (len(self.towers) + 1)
        for layer in self.layers:
            heard = cast(list[Tensor], layer(heard, self.sources))
        return torch.cat([tower(part) for tower, part in zip(self.towers, heard, strict=True)], dim=1)
