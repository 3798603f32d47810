"""Settings of the RQ-VAE, apart from its network: they are read, and documented, where torch is not installed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shopkeeper.features.semantic_ids.codebooks import CodebookSettings


class RqVaeSettings(CodebookSettings):
    """How the autoencoder is built and trained."""

    latent_size: Annotated[int, Field(ge=1)] = 32
    """Width of the space in which digits are chosen."""
    hidden_size: Annotated[int, Field(ge=1)] = 256
    """Width of the layer between."""
    commitment: Annotated[float, Field(ge=0)] = 0.25
    """How much the encoder is drawn to the centers it chose, beside the centers to it."""
    epochs: Annotated[int, Field(ge=1)] = 100
    """Passes over the items."""
    batch_size: Annotated[int, Field(ge=1)] = 1024
    """Items of a step."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Of AdamW."""
