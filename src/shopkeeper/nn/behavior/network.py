"""What all networks of examples are: an embedding, and a body that makes logits of vectors."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from shopkeeper.nn.behavior.batch import Embedded, ExampleBatch
from shopkeeper.nn.behavior.embedding import ExampleEmbedding


class Body(nn.Module):
    """Base of all bodies: `Embedded` in, logits float [b, heads] out."""

    def beside(self, embedded: Embedded) -> Tensor | None:
        """A further loss in training, a mean in nats; None where there is none."""
        return None


class BehaviorNetwork(nn.Module):
    """An embedding with a body.

    Args:
        embedding: Vectors of codes.
        body: Logits of vectors.
    """

    def __init__(self, embedding: ExampleEmbedding, body: Body) -> None:
        super().__init__()
        self.embedding = embedding
        self.body = body

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.embedding.device

    def forward(self, batch: ExampleBatch) -> Tensor:
        """Logits, float [b, heads]."""
        return cast(Tensor, self.body(self.embedding(batch)))


class PerceptronBody(Body):
    """Features, fields and the mean of the history into a perceptron: what every other body is measured against.

    Args:
        perceptron: Of features, fields and one vector more.
    """

    def __init__(self, perceptron: nn.Module) -> None:
        super().__init__()
        self.perceptron = perceptron

    def forward(self, embedded: Embedded) -> Tensor:
        """Logits, float [b, heads]."""
        from shopkeeper.nn.behavior.layers import flat, mean_of_events

        return cast(Tensor, self.perceptron(flat(embedded, mean_of_events(embedded))))
