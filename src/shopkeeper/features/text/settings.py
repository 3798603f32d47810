"""Which encoders there are, and all that one text feature is made of."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.features.text.endpoint import EndpointSettings
from shopkeeper.features.text.minilm import MiniLMSettings
from shopkeeper.features.text.multilingual import MultilingualSettings
from shopkeeper.features.text.sentence_transformer import SentenceTransformerSettings
from shopkeeper.features.text.static import StaticSettings
from shopkeeper.features.text.template import TextTemplate

AnyEncoder: TypeAlias = Annotated[
    MiniLMSettings | MultilingualSettings | StaticSettings | SentenceTransformerSettings | EndpointSettings,
    Field(discriminator="name"),
]
"""The settings of one encoder; `name` says of which."""

BUILT_IN: Final = ("minilm", "multilingual", "static")
"""Encoders whose weights ship in a package."""
ENCODERS: Final = (*BUILT_IN, "sentence-transformers", "endpoint")


class TextSettings(Settings):
    """One text feature."""

    encoder: AnyEncoder = MiniLMSettings()
    """The model, and its settings."""
    template: TextTemplate = TextTemplate()
    """What is written of an item."""
    feature: str = Field("", pattern=r"^[a-z0-9][a-z0-9._-]*$|^$")
    """Its name in the store; empty: "text-" and the name of the encoder."""

    @property
    def feature_name(self) -> str:
        """The name in the store."""
        return self.feature or f"text-{self.encoder.name}"
