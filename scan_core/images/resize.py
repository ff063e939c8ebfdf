"""The one definition of resizing: how a picture of any shape becomes a square, antialiased."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from scan_core.images.decode import MOST_PIXELS, Decoded, decode_rgb
from scan_core.images.levels import Levels

JPEG_REDUCTION = 2
"""A JPEG file is decoded at this multiple of the wanted size or more; the filter does the rest."""


BILINEAR = "bilinear"
FILTERS = {
    BILINEAR: Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
"""Pillow's filters, each widened where a picture becomes smaller, so that none aliases."""


def resize_and_crop(image: Image.Image, size: int, filter: Image.Resampling) -> Image.Image:
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
    return image.resize((size, size), filter, box=square)


def resize_and_pad(image: Image.Image, size: int, filter: Image.Resampling) -> Image.Image:
    """Return all of ``image``, its long side ``size`` pixels, between two bars that make it ``size`` x ``size`` pixels.

    A bar has the median of the edge that it adjoins, in each channel: beside an object on a plain ground, it continues
    the ground. If the bars cannot be equally wide, the first is narrower by a pixel, or absent.
    """
    long = max(image.size)
    width, height = (max(1, round(side * size / long)) for side in image.size)
    inner = image if long == size else image.resize((width, height), filter)
    left, top = (size - width) // 2, (size - height) // 2
    pixels = np.atleast_3d(np.asarray(inner))
    tall = width < height
    first, last = (pixels[:, 0], pixels[:, -1]) if tall else (pixels[0], pixels[-1])
    square = Image.new(image.mode, (size, size), _median(last))
    square.paste(_median(first), (0, 0, left, size) if tall else (0, 0, size, top))
    square.paste(inner, (left, top))
    return square


def _median(pixels: UInt8[np.ndarray, "pixels channels"]) -> tuple[int, ...]:
    return tuple(np.median(pixels, axis=0).round().astype(int).tolist())


def stretch(image: Image.Image, size: int, filter: Image.Resampling) -> Image.Image:
    """Return all of ``image`` as ``size`` x ``size`` pixels, narrowed or flattened."""
    return image if image.size == (size, size) else image.resize((size, size), filter)


def channels_first(image: Image.Image | UInt8[np.ndarray, "..."]) -> UInt8[np.ndarray, "channels height width"]:
    """Return the pixels of a picture, or of an array [H, W] or [H, W, C], as the network takes them."""
    return np.ascontiguousarray(np.atleast_3d(np.asarray(image)).transpose(2, 0, 1))


def picture_of(pixels: UInt8[np.ndarray, "channels height width"]) -> Image.Image:
    """Return pixels of one or three channels as a picture."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))


FITS = {"crop": resize_and_crop, "pad": resize_and_pad, "stretch": stretch}
"""How a picture of any shape becomes a square."""


def decode_and_resize(
    encoded: bytes,
    size: int,
    fit: str,
    interpolation: str,
    *,
    levels: Levels = Levels(),  # noqa: B008
    most_pixels: int = MOST_PIXELS,
) -> Decoded:
    """Decode the picture in a file and make it ``size`` x ``size`` RGB pixels by the way ``fit`` of :data:`FITS`.

    Args:
        interpolation: one of :data:`FILTERS`.

    Raises:
        UnreadableImageError: see :func:`decode_rgb`, which has ``levels`` and ``most_pixels``, too.
    """
    decoded = decode_rgb(encoded, at_least=JPEG_REDUCTION * size, levels=levels, most_pixels=most_pixels)
    return decoded._replace(image=FITS[fit](decoded.image, size, FILTERS[interpolation]))
