"""What a generative model learns: the digits of the next item, each given those before it, and perhaps the item too."""

from __future__ import annotations

from typing import cast

from torch import Tensor

from shopkeeper.nn.full_softmax import softmax_loss
from shopkeeper.nn.generative_network import GenerativeNetwork
from shopkeeper.nn.matmul_precision import resolve
from shopkeeper.nn.sequence_network import SequenceReader
from shopkeeper.training.item_loss import Asked


class SemanticLoss:
    """Cross-entropy of the ids of the targets, and of the targets among all items.

    Both together are LIGER's (Yang et al., "Unifying generative and dense retrieval for sequential recommendation",
    2024).

    Args:
        dense: Weight of the second; 0 leaves it out.
        chunk_bytes: Memory of one chunk of its logits.
        precision: Of its products; see `TrainingSettings.matmul_precision`.
    """

    def __init__(self, dense: float, chunk_bytes: int, precision: str) -> None:
        self._dense, self._chunk_bytes, self._precision = dense, chunk_bytes, precision

    def __call__(self, reader: SequenceReader, asked: Asked) -> Tensor:
        """Summed over digits and targets, a scalar.

        Args:
            reader: A `GenerativeNetwork`.
            asked: A batch that it has read.
        """
        network = cast(GenerativeNetwork, reader)
        digits = network.items.digits[asked.targets][:, None]
        loss = -network.decoder.log_probability(asked.queries, digits).sum()
        if self._dense:
            table = network.items.table()[1:]
            precision = resolve(self._precision, table.device)
            among = softmax_loss(asked.queries, table, asked.targets - 1, self._chunk_bytes, precision=precision)
            loss = loss + self._dense * among
        return loss
