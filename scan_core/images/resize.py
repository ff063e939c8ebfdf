"""Resize an image: short side to the wanted size, antialiased, then crop the center."""

from pathlib import Path

from PIL import Image

from scan_core.images.decode import Decoded, decode_rgb

INTERPOLATION = (
    "bilinear, antialiased; short side to image_size, then center crop; JPEG decoded at 2x image_size or more"
)

JPEG_REDUCTION = 2
"""A JPEG file is decoded at this multiple of the wanted size or more; the filter does the rest."""


def resize_and_crop(image: Image.Image, size: int) -> Image.Image:
    """Return the center of ``image`` as ``size`` x ``size`` pixels; not resampled if its short side is ``size``.

    One step crops and scales, so a 1 x 10,000 image needs no large intermediate one; the filter still sees the pixels
    beyond the square's edge. If the margins cannot be equal, the first is smaller by a pixel.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = (left, top, left + side, top + side)
    if image.size == (size, size):
        return image
    if side == size:
        return image.crop(square)
    return image.resize((size, size), Image.Resampling.BILINEAR, box=square)


def decode_and_resize(encoded: bytes | Path, size: int) -> Decoded:
    """Return the center of the image in a file as ``size`` x ``size`` RGB pixels, with its original size.

    Raises:
        UnreadableImageError: see :func:`decode_rgb`.
    """
    image, original_size = decode_rgb(encoded, at_least=JPEG_REDUCTION * size)
    return Decoded(resize_and_crop(image, size), original_size)
