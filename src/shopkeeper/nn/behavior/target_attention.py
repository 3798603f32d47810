"""Networks that look at the history with the item in mind: each event counts by what it has to do with the item."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from shopkeeper.nn.behavior.batch import Embedded
from shopkeeper.nn.behavior.layers import flat
from shopkeeper.nn.behavior.network import Body


class TargetAttention(nn.Module):
    """How much each event has to do with the item: a small network of both, their difference and product.

    Zhou et al. (2018), Deep interest network for click-through rate prediction. The first layer is a sum of three
    products of matrices, of which that of the events is made once a history and not once an example.

    Args:
        size: Width of vectors.
        hidden: Width of the hidden layer.
    """

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.of_event = nn.Linear(size, hidden)
        self.of_item = nn.Linear(size, hidden, bias=False)
        self.of_product = nn.Linear(size, hidden, bias=False)
        self.score = nn.Linear(hidden, 1)

    def forward(self, events: Tensor, item: Tensor, whose: Tensor) -> Tensor:
        """Weights of events, not normalized, as in the paper.

        Args:
            events: Float [h, length, size].
            item: Float [b, size].
            whose: int64 [b]; the history of each item.

        Returns:
            Float [b, length].
        """
        own = events[whose]
        hidden = self.of_event(events)[whose] + self.of_item(item)[:, None, :]
        hidden = hidden + self.of_product(own * item[:, None, :])
        return cast(Tensor, self.score(functional.relu(hidden)).squeeze(2))

    def interest(self, embedded: Embedded) -> Tensor:
        """The events of each example's history, weighed and added up, float [b, size]."""
        events = embedded.sequences.pad(embedded.events)
        weights = self(events, embedded.item, embedded.whose) * embedded.sequences.is_real[embedded.whose]
        return cast(Tensor, (weights[:, None, :] @ events[embedded.whose]).squeeze(1))

    def whole(self, embedded: Embedded) -> Tensor:
        """Features, fields, that sum, the item and their product side by side, float [b, width]."""
        interest = self.interest(embedded)
        return flat(embedded, interest, embedded.item, interest * embedded.item)


class InterestBody(Body):
    """The events weighed by the item, added up, into a perceptron (DIN).

    Args:
        attention: Weighs the events.
        perceptron: Of features, fields and three vectors more.
    """

    def __init__(self, attention: TargetAttention, perceptron: nn.Module) -> None:
        super().__init__()
        self.attention = attention
        self.perceptron = perceptron

    def forward(self, embedded: Embedded) -> Tensor:
        """Logits, float [b, heads]."""
        return cast(Tensor, self.perceptron(self.attention.whole(embedded)))


class EvolutionBody(Body):
    """Interests of each moment by a GRU, and how those that concern the item went on, by a GRU that attends (DIEN).

    Zhou et al. (2019), Deep interest evolution network. The further loss asks each state for the event after it,
    against an event of another place in the batch.

    Args:
        size: Width of vectors.
        perceptron: Of features, fields and three vectors more.
        share: Weight of the further loss.
    """

    def __init__(self, size: int, perceptron: nn.Module, share: float) -> None:
        super().__init__()
        self.extraction = nn.GRU(size, size, batch_first=True)
        self.asking = nn.Linear(size, size, bias=False)
        self.gates = nn.Linear(size, 2 * size)
        self.gates_of_state = nn.Linear(size, 2 * size, bias=False)
        self.proposal = nn.Linear(size, size)
        self.proposal_of_state = nn.Linear(size, size, bias=False)
        self.perceptron = perceptron
        self.share = share

    def forward(self, embedded: Embedded) -> Tensor:
        """Logits, float [b, heads]."""
        states = self.extraction(embedded.sequences.pad(embedded.events))[0]
        final = self._evolve(states, embedded)
        return cast(Tensor, self.perceptron(flat(embedded, final, embedded.item, final * embedded.item)))

    def beside(self, embedded: Embedded) -> Tensor | None:
        """Binary cross-entropy of the next event of each state."""
        events = embedded.sequences.pad(embedded.events)
        if self.share == 0 or events.shape[1] < 2:
            return None
        real = embedded.sequences.is_real[:, 1:]
        states = self.extraction(events)[0][:, :-1][real]
        following = events[:, 1:][real].detach()
        if len(following) == 0:
            return None
        wrong = following[torch.randperm(len(following), device=following.device)]
        right, against = ((states * other).sum(dim=1) for other in (following, wrong))
        return self.share * (functional.softplus(-right) + functional.softplus(against)).mean()

    def _evolve(self, states: Tensor, embedded: Embedded) -> Tensor:
        """The last state of the GRU whose update gate is scaled by attention (AUGRU), float [b, size]."""
        real, whose = embedded.sequences.is_real, embedded.whose
        scores = (self.asking(states)[whose] @ embedded.item[:, :, None]).squeeze(2)
        weights = scores.masked_fill(~real[whose], float("-inf")).softmax(dim=1)
        update, reset = self.gates(states).chunk(2, dim=2)
        proposal = self.proposal(states)
        state = torch.zeros_like(embedded.item)
        for step in range(states.shape[1]):  # of a history, not of examples
            update_by, reset_by = self.gates_of_state(state).chunk(2, dim=1)
            open_ = torch.sigmoid(update[whose, step] + update_by) * weights[:, step, None]
            kept = torch.sigmoid(reset[whose, step] + reset_by)
            new = torch.tanh(proposal[whose, step] + kept * self.proposal_of_state(state))
            state = (1 - open_) * state + open_ * new
        return state
