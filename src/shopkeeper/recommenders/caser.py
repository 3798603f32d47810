"""Caser: the last few events as a picture, read by horizontal and vertical convolutional filters.

Tang and Wang, "Personalized top-N sequential recommendation via convolutional sequence embedding", WSDM 2018. The paper
adds an embedding of the shopper. There is none here, so that shoppers who came after training are answered like all
others; and the pictures of all events of a history are read at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from shopkeeper.recommenders.sequence import SequenceRecommender
from shopkeeper.recommenders.sequence_settings import SequenceConfig, Share
from shopkeeper.search_space import Choice, Floats, Integers, SearchSpace

if TYPE_CHECKING:
    from torch import nn


class CaserConfig(SequenceConfig):
    """Settings of `Caser`."""

    window: Annotated[int, Field(ge=1)] = 5
    """Events in the picture, the last ones; earlier events are not seen."""
    n_horizontal: Annotated[int, Field(ge=1)] = 16
    """Horizontal filters of each height from 1 to `window`."""
    n_vertical: Annotated[int, Field(ge=1)] = 4
    """Vertical filters: weighted sums of the events."""
    dropout: Share = 0.3
    """Share dropped of what the filters found, in training."""

    search: ClassVar[SearchSpace] = {
        "window": Integers(3, 10),
        "n_horizontal": Choice((8, 16, 32)),
        "n_vertical": Choice((2, 4, 8)),
        "dropout": Floats(0.0, 0.6),
    }


class Caser(SequenceRecommender):
    """Convolutions over the last events."""

    Config = CaserConfig
    config: CaserConfig
    learns = "order"

    def _encoder(self) -> nn.Module:
        from shopkeeper.nn.convolution import WindowEncoder

        config = self.config
        return WindowEncoder(
            config.embedding_size, config.window, config.n_horizontal, config.n_vertical, config.dropout
        )
