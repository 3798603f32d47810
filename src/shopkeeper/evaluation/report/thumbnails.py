"""Pictures of items as small images inside the page, as many as its size allows."""

from __future__ import annotations

import base64
import io
from typing import Final

from shopkeeper.features.image.decoding import ImageLimits, UnusableImageError, quiet_decoders, square_pixels
from shopkeeper.features.image.sources import ImageSource

SIDE: Final = 104
"""Pixels of a side."""
QUALITY: Final = 74


class Thumbnails:
    """Makes each picture once.

    Args:
        source: Pictures of the items; the one of index i has the place i - 1. None for no pictures.
        most_bytes: What all of them together may add to the page; further ones are left out.
    """

    def __init__(self, source: ImageSource | None, most_bytes: int) -> None:
        self._source = source
        self._left = most_bytes
        self._made: dict[int, str | None] = {}

    def uri(self, item: int) -> str | None:
        """The picture of an item as a `data:` address; None where there is none or the page is full."""
        if self._source is None:
            return None
        if item not in self._made:
            self._made[item] = _encoded(self._source, item)
        made = self._made[item]
        if made is None or len(made) > self._left:
            return None
        self._left -= len(made)
        return made


def _encoded(source: ImageSource, item: int) -> str | None:
    from PIL import Image

    try:
        with quiet_decoders():
            pixels = square_pixels(source.read(item - 1), SIDE, ImageLimits())
    except UnusableImageError:
        return None
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
