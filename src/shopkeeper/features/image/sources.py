"""Where the bytes of pictures come from: files below a folder, or a column of bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from shopkeeper.features.image.decoding import Fault, ImageLimits, UnusableImageError


class ImageSource(Protocol):
    """The picture of each item by its place."""

    def __len__(self) -> int:
        """Number of items."""

    def read(self, place: int) -> bytes:
        """The bytes of a picture.

        Raises:
            UnusableImageError: There is none, it cannot be read, or it is too large.
        """

    def fingerprint(self) -> str:
        """Changes when a picture does; told without reading the pictures where that is possible."""


class ImageFiles:
    """Files below a folder. What a catalog names outside of it is not touched.

    Args:
        folder: Where names are looked up.
        names: Path of each item's file below the folder; None or "" for none.
        limits: What is too large to be read.
    """

    def __init__(self, folder: Path, names: Sequence[str | None], limits: ImageLimits) -> None:
        self._folder = folder.resolve()
        self._names = names
        self._limits = limits

    def __len__(self) -> int:
        return len(self._names)

    def read(self, place: int) -> bytes:
        """The bytes of a file."""
        file = self._file(place)
        try:
            size = file.stat().st_size
            if size > self._limits.most_megabytes * 1e6:
                raise UnusableImageError(Fault.HUGE, f"{size / 1e6:.0f} megabytes")
            return file.read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UnusableImageError(Fault.MISSING, f"no file {self._names[place]}") from error
        except (OSError, ValueError) as error:
            raise UnusableImageError(Fault.BROKEN, f"{type(error).__name__}: {error}") from error

    def fingerprint(self) -> str:
        """Over names, sizes and times of change."""
        digest = hashlib.sha256()
        for place, name in enumerate(self._names):
            digest.update(f"{name!r}:{self._stamp(place)}\n".encode("utf-8", "replace"))
        return digest.hexdigest()

    def _stamp(self, place: int) -> str:
        try:
            facts = self._file(place).stat()
        except (UnusableImageError, OSError, ValueError):
            return "-"
        return f"{facts.st_size}:{facts.st_mtime_ns}"

    def _file(self, place: int) -> Path:
        name = self._names[place]
        if not name:
            raise UnusableImageError(Fault.UNNAMED, "no picture is named")
        if "://" in name:
            raise UnusableImageError(Fault.OUTSIDE, f"{name[:80]} is an address, not a file")
        try:
            file = (self._folder / name).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise UnusableImageError(Fault.BROKEN, f"{type(error).__name__}: {error}") from error
        if not file.is_relative_to(self._folder):
            raise UnusableImageError(Fault.OUTSIDE, f"{name[:80]} is outside of the folder")
        return file


class ImageBytes:
    """Pictures that stand in a column of the catalog.

    Args:
        contents: The bytes of each item's picture; None or empty for none.
    """

    def __init__(self, contents: Sequence[bytes | None]) -> None:
        self._contents = contents

    def __len__(self) -> int:
        return len(self._contents)

    def read(self, place: int) -> bytes:
        """The bytes."""
        content = self._contents[place]
        if not content:
            raise UnusableImageError(Fault.UNNAMED, "no picture is given")
        return content

    def fingerprint(self) -> str:
        """Over all bytes."""
        digest = hashlib.sha256()
        for content in self._contents:
            digest.update(hashlib.blake2b(content or b"").digest())
        return digest.hexdigest()
