"""What every encoder of texts is: a name, an identity, and texts in, vectors of unit length out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from shopkeeper.errors import missing_dependency
from shopkeeper.types import Float32Array

EXTRA: Final = "features"
"""The extra that brings the encoders."""
PURPOSE: Final = "encoding texts"


class TextEncoder(Protocol):
    """Turns texts into vectors. Making one is cheap: weights are read when the first text comes."""

    @property
    def name(self) -> str:
        """Short name, as settings spell it."""

    @property
    def identity(self) -> str:
        """All that a vector depends on beside its text: model, version, precision. Known without reading weights."""

    @property
    def size(self) -> int:
        """Length of a vector. An endpoint may have to be asked for it."""

    @property
    def scripts(self) -> frozenset[str] | None:
        """Unicode scripts that the model was made for, such as "Latin" and "Han"; None where that is not known."""

    @property
    def batch_size(self) -> int:
        """How many texts one call takes best."""

    @property
    def usage(self) -> Mapping[str, float]:
        """What was used so far beside time: requests, tokens, cost. Empty for a model that runs here."""

    def load(self) -> None:
        """Reads the weights where there are any; `encode` does it where it was not done.

        Raises:
            MissingDependencyError: A library or the package with the weights is not installed.
        """

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Vectors of texts.

        Args:
            texts: None of them empty. How they are grouped or ordered does not change a vector.

        Returns:
            float32 [n, size]; rows of unit length.

        Raises:
            MissingDependencyError: A library or the package with the weights is not installed.
            EndpointError: The model is elsewhere and does not answer as it should.
        """


def unit_rows(values: Float32Array) -> Float32Array:
    """Rows divided by their length, float32 [n, size]; a row of zeros stays one."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    found: Float32Array = np.divide(values, lengths, out=np.zeros_like(values, dtype=np.float32), where=lengths > 0)
    return found


def package_folder(module: str, package: str, extra: str = EXTRA) -> Path:
    """Where an installed package has its files; its code is not run.

    Args:
        module: Its import name.
        package: Its name on the package index, for the message.
        extra: The extra that brings it.

    Raises:
        MissingDependencyError: It is not installed.
    """
    found = util.find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise missing_dependency(package, extra, PURPOSE)
    return Path(next(iter(found.submodule_search_locations)))


def package_version(package: str, extra: str = EXTRA) -> str:
    """The installed version of a package.

    Raises:
        MissingDependencyError: It is not installed.
    """
    try:
        return version(package)
    except PackageNotFoundError as error:
        raise missing_dependency(package, extra, PURPOSE) from error
