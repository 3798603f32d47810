"""Which encoders of pictures there are."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from shopkeeper.features.image.encoder import EfficientNetSettings
from shopkeeper.features.image.endpoint import ImageEndpointSettings
from shopkeeper.features.image.open_clip import OpenClipSettings
from shopkeeper.features.image.timm import TimmSettings
from shopkeeper.features.image.transformers import TransformersSettings

AnyImageEncoder: TypeAlias = Annotated[
    EfficientNetSettings | TransformersSettings | TimmSettings | OpenClipSettings | ImageEndpointSettings,
    Field(discriminator="name"),
]
"""The settings of one encoder; `name` says of which."""
ENCODERS: Final = ("efficientnet", "transformers", "timm", "open-clip", "endpoint")
