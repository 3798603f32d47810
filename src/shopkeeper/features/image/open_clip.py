"""Any model of the library open_clip, by its name and that of its weights, or with weights from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from shopkeeper.artifacts import file_hash
from shopkeeper.features.image.network import Network, NetworkEncoder, NetworkSettings
from shopkeeper.features.image.timm import library_missing

LIBRARY: Final = "open-clip"


class OpenClipSettings(NetworkSettings):
    """A model of the library open_clip, such as "ViT-B-32"; its vectors are those that are compared with texts."""

    name: Literal["open-clip"] = "open-clip"
    """Chooses this encoder."""
    weights: str = ""
    """A name that the library knows for this model, such as "laion2b_s34b_b79k", or a file."""

    def open(self) -> OpenClipEncoder:
        """The encoder."""
        return OpenClipEncoder(self)


class OpenClipEncoder(NetworkEncoder):
    """Implements `ImageEncoder`."""

    def __init__(self, settings: OpenClipSettings) -> None:
        file = Path(settings.weights)
        super().__init__(LIBRARY, settings, file_hash(file) if file.is_file() else settings.weights)
        self._settings = settings

    def read(self) -> Network:
        """Reads the network, and how it was trained to see pixels."""
        try:
            import open_clip
        except (ImportError, RuntimeError) as error:  # torchvision raises the latter beside another torch
            raise library_missing(LIBRARY, "open_clip_torch", error) from error
        settings = self._settings
        model: Any = open_clip.create_model(settings.model, pretrained=settings.weights or None)
        model = model.eval().to(self.device)
        side = model.visual.image_size
        mean, deviation = model.visual.image_mean, model.visual.image_std
        side = int(side[0] if isinstance(side, tuple | list) else side)
        return Network(model.encode_image, side, tuple(mean), tuple(deviation))
