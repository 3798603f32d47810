"""What a generative model learns: the digits of the next item, each given those before it."""

from __future__ import annotations

from typing import cast

from torch import Tensor

from shopkeeper.nn.generative_network import GenerativeNetwork
from shopkeeper.nn.sequence_network import SequenceReader
from shopkeeper.training.item_loss import Asked


def semantic_loss(reader: SequenceReader, asked: Asked) -> Tensor:
    """Cross-entropy of the ids of the targets, summed over digits and targets, a scalar.

    Args:
        reader: A `GenerativeNetwork`.
        asked: A batch that it has read.
    """
    network = cast(GenerativeNetwork, reader)
    return -network.decoder.log_probability(asked.queries, network.items.digits[asked.targets][:, None]).sum()
