"""What encoders with a network of another library share: pixels scaled as it was trained, vectors of unit length."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.errors import ConfigError, MissingDependencyError
from shopkeeper.features.model_files import model_identity
from shopkeeper.features.text.encoder import unit_rows
from shopkeeper.types import Float32Array, UInt8Array

if TYPE_CHECKING:
    import torch

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)
"""Of red, green and blue from 0 to 1, where a model says nothing of its own."""


class NetworkSettings(Settings):
    """A model of another library."""

    model: str = ""
    """A folder, or a name on the hub, which is fetched on first use."""
    device: str | None = None
    """cpu, cuda, cuda:1, mps; None takes a GPU where torch sees one."""
    batch_size: Annotated[int, Field(ge=1)] = 32
    """Pictures that go through the network together."""


@dataclass(frozen=True)
class Network:
    """A network that was read.

    Attributes:
        run: Takes float32 [n, 3, side, side], gives float32 [n, size].
        side: Pixels of a side of a picture.
        mean: Of each color, from 0 to 1.
        deviation: Of each color.
    """

    run: Any
    side: int
    mean: tuple[float, ...] = IMAGENET_MEAN
    deviation: tuple[float, ...] = IMAGENET_DEVIATION


class NetworkEncoder(ABC):
    """Implements `ImageEncoder` for a network that a subclass reads.

    Args:
        name: As settings spell it.
        settings: Which model, on which device.
        revision: Of a name on the hub, or other words that say which weights.

    Raises:
        ConfigError: No model is named.
    """

    usage: Mapping[str, float] = MappingProxyType({})

    def __init__(self, name: str, settings: NetworkSettings, revision: str | None = None) -> None:
        if not settings.model:
            raise ConfigError(f"no model of {name} is named", expected="a folder or a name: --model NAME")
        self.name = name
        self.settings = settings
        self.batch_size = settings.batch_size
        self._revision = revision

    @abstractmethod
    def read(self) -> Network:
        """Reads the network, in the state for answering, on `device`."""

    @cached_property
    def identity(self) -> str:
        """The hash of the model's files, or its name and revision."""
        return f"{self.name} {model_identity(self.settings.model, self._revision)}"

    @cached_property
    def size(self) -> int:
        """Length of a vector; asks the network."""
        return int(self.encode(np.zeros((1, self.side, self.side, 3), dtype=np.uint8)).shape[1])

    @property
    def side(self) -> int:
        """Pixels of a side; reads the network."""
        return self._network.side

    @cached_property
    def device(self) -> torch.device:
        """Where it runs."""
        import torch

        return torch.device(self.settings.device or ("cuda" if torch.cuda.is_available() else "cpu"))

    def load(self) -> None:
        """Reads the network."""
        _ = self._network

    def encode(self, pixels: UInt8Array) -> Float32Array:
        """Vectors of the network, float32 [n, size], of unit length."""
        import torch

        network = self._network
        mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (network.mean, network.deviation))
        parts = []
        for start in range(0, len(pixels), self.batch_size):
            batch = torch.from_numpy(pixels[start : start + self.batch_size].astype(np.float32) / 255)
            with torch.inference_mode():
                scaled = (batch.permute(0, 3, 1, 2) - mean) / deviation
                parts.append(network.run(scaled.contiguous().to(self.device)).float().cpu().numpy())
        return unit_rows(np.concatenate(parts))

    @cached_property
    def _network(self) -> Network:
        try:
            return self.read()
        except MissingDependencyError:
            raise
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise ConfigError(
                f"{self.name} cannot load {self.settings.model!r}",
                expected="a folder of a model, or a name on the hub and a way to reach it",
                got=str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__,
                remedy="check the name; without the internet, give a folder that holds the model",
            ) from error
