"""Any model of the library timm, by name, or with weights from a file or folder of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from shopkeeper.errors import MissingDependencyError
from shopkeeper.features.image.network import Network, NetworkEncoder, NetworkSettings

LIBRARY: Final = "timm"


class TimmSettings(NetworkSettings):
    """A model of the library timm, such as "convnext_tiny.fb_in22k", or a folder in the form of its hub."""

    name: Literal["timm"] = "timm"
    """Chooses this encoder."""
    weights: Path | None = None
    """A file of weights (safetensors or PyTorch) for the named model; None takes those that the library knows."""

    def open(self) -> TimmEncoder:
        """The encoder."""
        return TimmEncoder(self)


class TimmEncoder(NetworkEncoder):
    """Implements `ImageEncoder`: what the network pools before it classifies."""

    def __init__(self, settings: TimmSettings) -> None:
        super().__init__(LIBRARY, settings, _weights_identity(settings.weights))
        self._settings = settings

    def read(self) -> Network:
        """Reads the network, and how it was trained to see pixels."""
        try:
            import timm
        except (ImportError, RuntimeError) as error:  # torchvision raises the latter beside another torch
            raise library_missing(LIBRARY, "timm", error) from error
        settings = self._settings
        name = f"local-dir:{settings.model}" if Path(settings.model).is_dir() else settings.model
        network: Any = timm.create_model(name, pretrained=settings.weights is None, num_classes=0)
        if settings.weights is not None:  # not strictly: the layer that classifies is not needed
            loaded = timm.models.load_checkpoint(network, str(settings.weights), strict=False, weights_only=True)
            if loaded.missing_keys:
                raise ValueError(f"{settings.weights} lacks {', '.join(loaded.missing_keys[:3])}")
        known = timm.data.resolve_model_data_config(network)
        return Network(
            network.eval().to(self.device), int(known["input_size"][-1]), tuple(known["mean"]), tuple(known["std"])
        )


def library_missing(library: str, package: str, error: Exception) -> MissingDependencyError:
    """The error for a library that no extra brings."""
    return MissingDependencyError(
        f"encoding pictures with {library} needs the library, which cannot be imported",
        got=str(error).strip().splitlines()[0],
        remedy=f"pip install {package} torchvision, of versions that fit your torch; or take the encoder transformers",
    )


def _weights_identity(file: Path | None) -> str:
    from shopkeeper.artifacts import file_hash

    return "" if file is None else file_hash(file) if file.is_file() else str(file)
