"""From the bytes of a picture to a square of pixels. No file, however broken or huge, ends more than itself."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.errors import missing_dependency
from shopkeeper.types import UInt8Array

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""What is read; a decoder that is not needed cannot be attacked."""
VERSION: Final = "pixels 1"
"""Part of the identity of every vector: changes when the same bytes give other pixels."""
THIN: Final = 50
"""A picture so many times as long as wide is no picture."""


class Fault(StrEnum):
    """Why an item is without a picture."""

    UNNAMED = "unnamed"
    MISSING = "missing"
    OUTSIDE = "outside"
    BROKEN = "broken"
    HUGE = "huge"
    UNREACHABLE = "unreachable"


class UnusableImageError(Exception):
    """A picture cannot be used; never leaves this package.

    Args:
        fault: What is wrong.
        detail: In words.
    """

    def __init__(self, fault: Fault, detail: str) -> None:
        self.fault = fault
        super().__init__(detail)


class ImageLimits(Settings):
    """What is too large to be read."""

    most_megabytes: Annotated[float, Field(gt=0)] = 20.0
    """Files of more are passed over unread."""
    most_megapixels: Annotated[float, Field(gt=0)] = 32.0
    """Pictures of more are passed over once their header is read; they take up to four bytes a pixel while decoded."""


def square_pixels(content: bytes, side: int, limits: ImageLimits) -> UInt8Array:
    """The picture fitted into a white square, upright, without transparency; of several frames the first.

    Args:
        content: The bytes of a file.
        side: Pixels of a side.
        limits: What is too large.

    Returns:
        uint8 [side, side, 3].

    Raises:
        UnusableImageError: It is empty, broken, cut short, of another format, or huge.
        MissingDependencyError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise missing_dependency("pillow", "features", "reading pictures") from error
    if len(content) > limits.most_megabytes * 1e6:
        raise UnusableImageError(Fault.HUGE, f"{len(content) / 1e6:.0f} megabytes")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _refuse_size(image, limits)
            image.draft("RGB", (2 * side, 2 * side))  # a large JPEG is decoded small at once
            return _fitted(ImageOps.exif_transpose(image), side)
    except UnusableImageError:
        raise
    except Image.DecompressionBombError as error:
        raise UnusableImageError(Fault.HUGE, str(error)) from error
    except Exception as error:  # decoders raise whatever the bytes make them
        raise UnusableImageError(Fault.BROKEN, f"{type(error).__name__}: {error}") from error


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Within, decoders do not warn of what is counted here anyway. To be entered before threads start."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _refuse_size(image: Image, limits: ImageLimits) -> None:
    width, height = image.size
    if width * height > limits.most_megapixels * 1e6:
        raise UnusableImageError(Fault.HUGE, f"{width} x {height} pixels")
    if max(width, height) > THIN * min(width, height):
        raise UnusableImageError(Fault.BROKEN, f"{width} x {height} pixels")


def _fitted(image: Image, side: int) -> UInt8Array:
    from PIL import Image as Images

    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Images.alpha_composite(Images.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    scale = side / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    square = Images.new("RGB", (side, side), "white")
    square.paste(image.resize(size, Images.Resampling.BICUBIC), ((side - size[0]) // 2, (side - size[1]) // 2))
    return np.asarray(square)
