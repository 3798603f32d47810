"""BERT4Rec: self-attention that reads both ways, trained to tell masked events.

Sun et al., "BERT4Rec: sequential recommendation with bidirectional encoder representations from transformer", CIKM
2019. To tell what comes next, it reads the history with one masked event after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from shopkeeper.data.histories import Histories
from shopkeeper.recommenders.sequence import SequenceRecommender
from shopkeeper.recommenders.sequence_settings import SequenceConfig, Share
from shopkeeper.search_space import Floats, Integers, SearchSpace
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Int64Array

if TYPE_CHECKING:
    import torch
    from torch import nn

    from shopkeeper.nn.sequences import Sequences
    from shopkeeper.training.masked_item import MaskedItemObjective


class BERT4RecConfig(SequenceConfig):
    """Settings of `BERT4Rec`; the masked event counts in `max_length`."""

    n_layers: Annotated[int, Field(ge=1)] = 2
    """Transformer blocks."""
    n_heads: Annotated[int, Field(ge=1)] = 2
    """Attention heads of a block; divides `embedding_size`."""
    dropout: Share = 0.3
    """Share dropped inside the blocks, in training."""
    mask_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of events that are masked."""
    ask_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of events after which, in a row of its own, what follows is masked alone, as it is when answering; each
    epoch has at least one such row for each shopper."""

    search: ClassVar[SearchSpace] = {
        "n_layers": Integers(1, 3),
        "dropout": Floats(0.0, 0.6),
        "mask_share": Floats(0.1, 0.6),
        "ask_share": Floats(0.0, 1.0),
    }

    @model_validator(mode="after")
    def _heads_divide_size(self) -> Self:
        if self.embedding_size % self.n_heads:
            raise ValueError("n_heads must divide embedding_size")
        return self

    @model_validator(mode="after")
    def _reads_both_ways(self) -> Self:
        if self.prefix_rows:
            raise ValueError("prefix_rows is for models that read one way: rows are masked here")
        if self.max_length < 2:
            raise ValueError("max_length must be at least 2: the masked event counts")
        return self


class BERT4Rec(SequenceRecommender):
    """A transformer over item embeddings that reads both ways."""

    Config = BERT4RecConfig
    config: BERT4RecConfig
    learns = "order"

    def _encoder(self) -> nn.Module:
        from shopkeeper.nn.attention import Transformer

        config = self.config
        return Transformer(
            config.embedding_size, config.n_layers, config.n_heads, config.max_length, config.dropout, causal=False
        )

    def _objective(self, training: TrainingSettings) -> MaskedItemObjective:
        from shopkeeper.training.masked_item import MaskedItemObjective, MaskShares

        histories = self._read(self.train.histories)
        return MaskedItemObjective(
            histories,
            self.train.n_items,
            self._cut(),
            self._loss(),
            training,
            MaskShares(self.config.mask_share, self.config.ask_share),
            self._moments(histories),
            self._wanted(histories),
        )

    def _asked(self, histories: Histories, rows: Int64Array, device: torch.device) -> Sequences:
        """The last events of some histories, and a masked one."""
        from shopkeeper.training.masked_item import read_before_masked

        return read_before_masked(histories, rows, self.config.max_length, device)
