"""Where the bytes of pictures come from: files below a folder, web addresses, or a column of bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from shopkeeper.features.fetching import FetchError, FetchSettings, fetch
from shopkeeper.features.image.decoding import Fault, ImageLimits, UnusableImageError
from shopkeeper.features.vector_cache import content_key
from shopkeeper.machine import usable_cores


class ImageSource(Protocol):
    """The picture of each item by its place."""

    def __len__(self) -> int:
        """Number of items."""

    @property
    def at_once(self) -> int:
        """How many pictures are read best at the same time."""

    def key(self, place: int) -> bytes:
        """What stands for a picture in a cache: 16 bytes.

        Raises:
            UnusableImageError: There is none, or it cannot be read.
        """

    def read(self, place: int) -> bytes:
        """The bytes of a picture.

        Raises:
            UnusableImageError: There is none, it cannot be read, or it is too large.
        """

    def fingerprint(self) -> str:
        """Changes when a picture does; told without reading the pictures where that is possible."""


class ImageNames:
    """Files below a folder, and web addresses. What a catalog names outside of the folder is not touched.

    Args:
        folder: Where names are looked up.
        names: For each item the path of a file below the folder, or a web address; None or "" for none.
        limits: What is too large to be read.
        fetching: Whether and how addresses are fetched.
        version: Another word, and what is behind an address counts as new.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str | None],
        limits: ImageLimits,
        fetching: FetchSettings,
        version: str = "",
    ) -> None:
        self._folder = folder.resolve()
        self._names = names
        self._limits = limits
        self._fetching = fetching
        self._version = version
        self.at_once = fetching.at_once if any(map(_is_address, names)) else usable_cores()

    def __len__(self) -> int:
        return len(self._names)

    def key(self, place: int) -> bytes:
        """A hash of the file, or of the address: what is behind it is fetched only where it is not known yet."""
        name = self._names[place]
        if name and _is_address(name) and self._fetching.enabled:
            return content_key(f"{self._version}\n{name}".encode("utf-8", "replace"))
        return content_key(self.read(place))

    def read(self, place: int) -> bytes:
        """The bytes of a file, or what an address gives."""
        name = self._names[place]
        if name and _is_address(name):
            return self._fetched(name)
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

    def _fetched(self, address: str) -> bytes:
        if not self._fetching.enabled:
            raise UnusableImageError(Fault.OUTSIDE, f"{address[:80]} is an address: --fetch fetches it")
        try:
            return fetch(address, self._fetching, int(self._limits.most_megabytes * 1e6))
        except FetchError as error:
            raise UnusableImageError(_fault_of(error), f"{address[:80]}: {error}") from error

    def fingerprint(self) -> str:
        """Over names, sizes and times of change; what is behind an address is taken as it was."""
        digest = hashlib.sha256(f"{self._version}{self._fetching.enabled}\n".encode())
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
        try:
            file = (self._folder / name).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise UnusableImageError(Fault.BROKEN, f"{type(error).__name__}: {error}") from error
        if not file.is_relative_to(self._folder):
            raise UnusableImageError(Fault.OUTSIDE, f"{name[:80]} is outside of the folder")
        return file


def _is_address(name: str | None) -> bool:
    return "://" in (name or "")


def _fault_of(error: FetchError) -> Fault:
    if error.huge:
        return Fault.HUGE
    return Fault.MISSING if error.gone else Fault.OUTSIDE if error.refused else Fault.UNREACHABLE


class ImageBytes:
    """Pictures that stand in a column of the catalog.

    Args:
        contents: The bytes of each item's picture; None or empty for none.
    """

    def __init__(self, contents: Sequence[bytes | None]) -> None:
        self._contents = contents
        self.at_once = usable_cores()

    def __len__(self) -> int:
        return len(self._contents)

    def key(self, place: int) -> bytes:
        """A hash of the bytes."""
        return content_key(self.read(place))

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
