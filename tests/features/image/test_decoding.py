"""Pictures of every kind, and files that are none."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from shopkeeper.features.image.decoding import Fault, ImageLimits, UnusableImageError, quiet_decoders, square_pixels

LIMITS = ImageLimits()


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def fault_of(content: bytes, limits: ImageLimits = LIMITS) -> tuple[Fault, str]:
    with pytest.raises(UnusableImageError) as error, quiet_decoders():
        square_pixels(content, 16, limits)
    return error.value.fault, str(error.value)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_a_picture_is_fitted_into_a_white_square(form: str) -> None:
    pixels = square_pixels(encoded(Image.new("RGB", (40, 20), (200, 0, 0)), form), 16, LIMITS)
    assert pixels.shape == (16, 16, 3)
    assert pixels.dtype == np.uint8
    assert (pixels[:4] == 255).all()
    assert (pixels[12:] == 255).all()
    np.testing.assert_allclose(pixels[4:12].reshape(-1, 3).mean(axis=0), [200, 0, 0], atol=4)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "CMYK", "1", "I;16", "RGBA"])
def test_every_mode_of_color_is_read(mode: str) -> None:
    form = "JPEG" if mode == "CMYK" else "PNG"
    assert square_pixels(encoded(Image.new(mode, (8, 8)), form), 16, LIMITS).shape == (16, 16, 3)


def test_what_is_transparent_is_white() -> None:
    assert (square_pixels(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0))), 16, LIMITS) == 255).all()


def test_a_picture_that_lies_on_its_side_is_turned() -> None:
    picture = Image.new("RGB", (40, 20), "black")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    pixels = square_pixels(encoded(picture, "JPEG", exif=exif), 16, LIMITS)
    assert (pixels[:, :4] > 250).all()
    assert (pixels[0, 6:10] < 40).all()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_file_that_is_cut_short_or_none_is_broken(form: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    content = encoded(noise, form)
    assert fault_of(content[: len(content) // 2])[0] is Fault.BROKEN
    assert fault_of(b"")[0] is Fault.BROKEN
    assert fault_of(b"<html>404</html>")[0] is Fault.BROKEN


def test_a_form_that_is_not_read_is_broken() -> None:
    assert fault_of(encoded(Image.new("RGB", (8, 8)), "TIFF"))[0] is Fault.BROKEN


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8000, 5000), (12_000, 9000), (60_000, 60_000)])
def test_huge_pictures_are_passed_over_before_they_are_decoded(size: tuple[int, int]) -> None:
    fault, detail = fault_of(bomb(*size))
    assert fault is Fault.HUGE
    assert str(size[0]) in detail or "pixels" in detail


def test_huge_files_are_passed_over_and_limits_can_be_set() -> None:
    assert fault_of(bytes(2_000_000), ImageLimits(most_megabytes=1))[0] is Fault.HUGE
    large = encoded(Image.new("RGB", (1000, 1000)))
    assert fault_of(large, ImageLimits(most_megapixels=0.5))[0] is Fault.HUGE
    assert square_pixels(large, 16, LIMITS).shape == (16, 16, 3)


def test_a_line_is_no_picture() -> None:
    assert fault_of(encoded(Image.new("RGB", (2000, 2))))[0] is Fault.BROKEN
