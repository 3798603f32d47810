"""The picture of an item, as a model that sees takes it: its address, or its content made small."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.data.schema import IMAGE
from shopkeeper.errors import DataError, choices
from shopkeeper.features.fetching import FetchSettings
from shopkeeper.features.image.decoding import ImageLimits, UnusableImageError, square_pixels
from shopkeeper.features.image.sources import ImageBytes, ImageNames, ImageSource
from shopkeeper.features.vector_cache import content_key

if TYPE_CHECKING:
    import pyarrow as pa

QUALITY: Final = 85
"""Of the JPEG that is sent."""


class PictureSettings(Settings):
    """Whether a model is shown pictures; only an endpoint with a model that sees makes use of them."""

    show: Literal["no", "address", "content"] = "no"
    """"address" sends web addresses of the catalog, for the endpoint to fetch; "content" sends the pictures."""
    column: str = IMAGE
    """Column of the catalog: web addresses, paths below the folder, or the bytes of pictures."""
    folder: Path | None = None
    """Where the files are."""
    side: Annotated[int, Field(ge=32, le=2048)] = 512
    """Pixels of a side of what is sent as content."""
    limits: ImageLimits = ImageLimits()
    """What is too large to be read."""


class NoPictures:
    """What there is where none are shown."""

    def key(self, place: int) -> bytes:
        """Nothing."""
        return b""

    def show(self, place: int) -> str | None:
        """None."""
        return None

    def fingerprint(self) -> str:
        """Nothing."""
        return ""


class PictureAddresses(NoPictures):
    """Web addresses of a catalog.

    Args:
        names: Of the pictures, one an item; what is no web address counts as none.
    """

    def __init__(self, names: list[str | None]) -> None:
        self._addresses = [name if name and name.startswith(("http://", "https://")) else None for name in names]

    def key(self, place: int) -> bytes:
        """The address."""
        return (self._addresses[place] or "").encode("utf-8", "replace")

    def show(self, place: int) -> str | None:
        """The address."""
        return self._addresses[place]

    def fingerprint(self) -> str:
        """All addresses."""
        return content_key(repr(self._addresses).encode("utf-8", "replace")).hex()


class PictureContents(NoPictures):
    """Pictures from files or bytes. One that cannot be used counts as none.

    Args:
        source: The pictures, one an item.
        settings: How large they are sent.
    """

    def __init__(self, source: ImageSource, settings: PictureSettings) -> None:
        self._source = source
        self._settings = settings

    def key(self, place: int) -> bytes:
        """The hash of the picture, and how large it is sent."""
        try:
            return self._source.key(place) + str(self._settings.side).encode()
        except UnusableImageError:
            return b""

    def show(self, place: int) -> str | None:
        """The picture as a JPEG in a data address."""
        from PIL import Image

        try:
            pixels = square_pixels(self._source.read(place), self._settings.side, self._settings.limits)
        except UnusableImageError:
            return None
        written = io.BytesIO()
        Image.fromarray(pixels).save(written, "JPEG", quality=QUALITY)
        return f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode()}"

    def fingerprint(self) -> str:
        """Changes when a picture does."""
        return f"{self._settings.side} {self._source.fingerprint()}"


def item_pictures(rows: pa.Table, settings: PictureSettings) -> NoPictures:
    """What a model is shown of the items of a catalog.

    Args:
        rows: The catalog, a row an item.
        settings: Which column, and how.

    Raises:
        DataError: There is no such column, or no folder where the column names files.
    """
    import pyarrow as pa

    if settings.show == "no":
        return NoPictures()
    if settings.column not in rows.column_names:
        raise DataError(
            f"the catalog has no column {settings.column!r}", expected=choices(settings.column, rows.column_names),
            remedy="name the column with the pictures: --set features.attributes.pictures.column=NAME",
        )  # fmt: skip
    column = rows.column(settings.column)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return PictureContents(ImageBytes(column.to_pylist()), settings)
    names = column.cast(pa.large_string()).to_pylist()
    if settings.show == "address":
        return PictureAddresses(names)
    if settings.folder is None or not settings.folder.is_dir():
        raise DataError(
            "pictures are files", expected="their folder: --set features.attributes.pictures.folder=FOLDER",
            got=str(settings.folder),
        )  # fmt: skip
    return PictureContents(ImageNames(settings.folder, names, settings.limits, FetchSettings()), settings)
