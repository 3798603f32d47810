"""All that the attributes of items are made of: which ones, who tells them, from what."""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from pydantic import Field, field_validator

from shopkeeper.config import Settings
from shopkeeper.data.schema import BRAND, CATEGORY, DESCRIPTION, TITLE
from shopkeeper.features.attributes.endpoint import ChatEndpointSettings
from shopkeeper.features.attributes.extractor import Extractor
from shopkeeper.features.attributes.gguf import GgufSettings, SmolLM2Settings
from shopkeeper.features.attributes.pictures import PictureSettings
from shopkeeper.features.attributes.prompt import DEFAULT_EXAMPLES, Example
from shopkeeper.features.attributes.schema import NAME, Attribute, default_attributes
from shopkeeper.features.attributes.words import WordsSettings
from shopkeeper.features.text.template import TextTemplate

AnyExtractor: TypeAlias = Annotated[
    WordsSettings | SmolLM2Settings | GgufSettings | ChatEndpointSettings, Field(discriminator="name")
]
"""The settings of one extractor; `name` says of which."""
EXTRACTORS: Final = ("words", "smollm2", "gguf", "endpoint")
RESERVED: Final = frozenset({"valid", "tries"})


class AttributesSettings(Settings):
    """Attributes of items, told by rules or by a language model."""

    extractor: AnyExtractor = WordsSettings()
    """Who tells them."""
    wanted: dict[str, Attribute] = Field(default_factory=default_attributes, min_length=1)
    """Which ones, by name: color, material, gender, size and style. Naming any of your own replaces these."""
    examples: tuple[Example, ...] = DEFAULT_EXAMPLES
    """Texts with what is right for them, shown to a model before each item; a handful of your own goods is best."""
    template: TextTemplate = TextTemplate(
        parts=(f"{{{TITLE}}}", f"{{{BRAND}}}", f"{{{CATEGORY}}}", f"{{{DESCRIPTION}}}")
    )
    """What is read of an item."""
    pictures: PictureSettings = PictureSettings()
    """Whether a model is shown the pictures."""
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    """Answers asked for until one is valid; an item without one has no attributes."""
    most_texts: Annotated[int, Field(ge=0)] = 64
    """So many of the most frequent texts of an attribute get a column each in the matrix."""
    feature: str = Field("", pattern=r"^[a-z0-9][a-z0-9._-]*$|^$")
    """Its name in the store; empty: "attributes-" and the name of the extractor."""

    @field_validator("wanted")
    @classmethod
    def _named_plainly(cls, wanted: dict[str, Attribute]) -> dict[str, Attribute]:
        for name in wanted:
            if not re.match(NAME, name) or name in RESERVED:
                raise ValueError(f"an attribute has a name of small letters, digits and _, such as color; not {name!r}")
        return wanted

    @property
    def feature_name(self) -> str:
        """The name in the store."""
        return self.feature or f"attributes-{self.extractor.name}"

    def open(self) -> Extractor:
        """The extractor.

        Raises:
            ConfigError: An address, a model or a file is not named.
            MissingDependencyError: The package with the weights is not installed.
        """
        return self.extractor.open(self.wanted, self.examples)
