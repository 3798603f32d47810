"""Any model of the library transformers that sees: CLIP, SigLIP, DINOv2, ViT, ConvNeXt..., by name or folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from shopkeeper.errors import missing_dependency
from shopkeeper.features.image.network import (
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    Network,
    NetworkEncoder,
    NetworkSettings,
)
from shopkeeper.features.model_files import without_bars
from shopkeeper.features.text.encoder import EXTRA

if TYPE_CHECKING:
    import torch

LIBRARY: Final = "transformers"
SIDE: Final = 224
"""Where neither the processor nor the network says another."""


class TransformersSettings(NetworkSettings):
    """A model of the library transformers that sees, such as "google/siglip-base-patch16-224"."""

    name: Literal["transformers"] = "transformers"
    """Chooses this encoder."""
    revision: str | None = None
    """Branch, tag or commit of a name on the hub; name a commit, and vectors never change behind your back."""

    def open(self) -> TransformersEncoder:
        """The encoder."""
        return TransformersEncoder(self)


class TransformersEncoder(NetworkEncoder):
    """Implements `ImageEncoder`: the vectors that a model compares with texts, else what it pools, else a mean."""

    def __init__(self, settings: TransformersSettings) -> None:
        super().__init__(LIBRARY, settings, settings.revision)
        self._settings = settings

    def read(self) -> Network:
        """Reads the model and, of its processor, how pixels are scaled."""
        try:
            from transformers import AutoModel
        except ImportError as error:
            raise missing_dependency(LIBRARY, EXTRA, "encoding pictures") from error
        name, revision = self._settings.model, self._settings.revision
        with without_bars():
            model: Any = AutoModel.from_pretrained(name, revision=revision, trust_remote_code=False)
        model = model.eval().to(self.device)
        scaling = _processor_settings(name, revision)
        mean, deviation = scaling.get("image_mean"), scaling.get("image_std")

        def run(pixels: torch.Tensor) -> torch.Tensor:
            return _vectors(model, pixels)

        return Network(
            run, _side(scaling, model.config),
            tuple(mean or IMAGENET_MEAN), tuple(deviation or IMAGENET_DEVIATION),
        )  # fmt: skip


def _vectors(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """One vector a picture: [n, size]."""
    if hasattr(model, "get_image_features"):
        found = model.get_image_features(pixel_values=pixels)
        found = getattr(found, "pooler_output", found)
    else:
        output = model(pixel_values=pixels)
        found = getattr(output, "pooler_output", None)
        if found is None:
            last = output.last_hidden_state  # [n, places, size], or [n, size, height, width]
            found = last.mean(dim=1) if last.ndim == 3 else last.mean(dim=(2, 3))
    vectors: torch.Tensor = found.flatten(1)
    return vectors


def _processor_settings(name: str, revision: str | None) -> dict[str, Any]:
    """What the file of the processor says; nothing where there is none."""
    from transformers.utils.hub import cached_file

    file = cached_file(name, "preprocessor_config.json", revision=revision, _raise_exceptions_for_missing_entries=False)
    return dict(json.loads(Path(file).read_text(encoding="utf-8"))) if file else {}


def _side(scaling: dict[str, Any], config: Any) -> int:
    """Pixels of a side: as the processor makes them, else as the network is built."""
    for key in ("crop_size", "size") if scaling.get("do_center_crop", True) else ("size",):
        made = scaling.get(key)
        side = made.get("height") or made.get("shortest_edge") if isinstance(made, dict) else made
        if isinstance(side, int):
            return side
    built = (getattr(part, "image_size", None) for part in (config, getattr(config, "vision_config", None)))
    return next((side for side in built if isinstance(side, int)), SIDE)
