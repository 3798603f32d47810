"""NextItNet: residual blocks of dilated causal convolutions, which reach far back with few layers.

Yuan, Karatzoglou, Arapakis, Jose and He, "A simple convolutional generative network for next item recommendation", WSDM
2019. The loss and all else that sequence models share is as in `SASRec`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from shopkeeper.recommenders.sequence import SequenceRecommender
from shopkeeper.recommenders.sequence_settings import SequenceConfig, Share
from shopkeeper.search_space import Floats, Integers, SearchSpace

if TYPE_CHECKING:
    from torch import nn


class NextItNetConfig(SequenceConfig):
    """Settings of `NextItNet`."""

    dilations: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (1, 4)
    """One block each, of two convolutions: the first looks at events so far apart, the second twice as far."""
    width: Annotated[int, Field(ge=1)] = 3
    """Events that one convolution looks at."""
    dropout: Share = 0.3
    """Share dropped inside the blocks, in training."""

    search: ClassVar[SearchSpace] = {"width": Integers(2, 4), "dropout": Floats(0.0, 0.6)}


class NextItNet(SequenceRecommender):
    """Dilated causal convolutions over item embeddings."""

    Config = NextItNetConfig
    config: NextItNetConfig
    learns = "order"

    def _encoder(self) -> nn.Module:
        from shopkeeper.nn.convolution import DilatedEncoder

        config = self.config
        return DilatedEncoder(config.embedding_size, config.width, config.dilations, config.dropout)
