"""Decoding one picture file, of any of the usual formats, to 8-bit RGB."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from scan_core.images.formats import (
    UnreadableImageError,
    is_animated,
    open_picture,
    orientation_of,
    why_unidentified,
)
from scan_core.images.ground import flattened
from scan_core.images.jpeg2000 import jpeg2000_values
from scan_core.images.levels import Levels, Values, is_deep, to_8_bits, values_of
from scan_core.images.png import check_pixels, png_values
from scan_core.images.ppm import ppm_values
from scan_core.images.tiff import (
    NO_DATA_TAG,
    PHOTOMETRIC,
    WHITE_IS_0,
    other_tiff,
    tiff_no_data,
    tiff_opacity,
    tiff_orientation,
    tiff_values,
)

WIDE_COLORS = {"PNG": png_values, "PPM": ppm_values, "JPEG2000": jpeg2000_values}
"""Readers of all bits of a picture's colors."""

MAX_BYTES = 2**31
"""Of a file that is read at all."""

MOST_PIXELS = 300_000_000
"""Of a picture that is decoded at all, unless another number is given."""

SIDEWAYS = (5, 6, 7, 8)
"""The EXIF orientations that swap width and height."""


class Decoded(NamedTuple):
    """A picture, and what it was before."""

    image: Image.Image
    """RGB."""
    original_size: tuple[int, int]
    """Width and height before it was reduced, upright."""
    values: Values | None = None
    """Of its pixels, where they have more than 8 bits."""
    animated: bool = False
    """Whether further frames follow the first one, which alone is taken."""


def decode_rgb(
    encoded: bytes,
    *,
    at_least: int | None = None,
    most_pixels: int = MOST_PIXELS,
    levels: Levels = Levels(),  # noqa: B008
) -> Decoded:
    """Decode a picture: EXIF rotation applied, first frame, transparency laid on a ground that it contrasts with.

    Args:
        at_least: pixels per side that are needed; a JPEG file is decoded at 1/2, 1/4 or 1/8 of its size if that is
            enough, by leaving out high frequencies. None decodes the full size.
        most_pixels: of a picture that is decoded at all, width x height.
        levels: how values of more than 8 bits become 8.

    Raises:
        UnreadableImageError: not a picture, damaged, of a format that has no 8-bit meaning, or too large.
    """
    try:
        if (page := other_tiff(encoded)) is not None:
            return _decode_tiff(page, most_pixels, levels)
        with open_picture(encoded) as image:
            _check_size(image.size, most_pixels)
            width, height = image.size
            if image.format == "PNG":
                check_pixels(encoded)
            if at_least is not None:
                image.draft(None, (at_least, at_least))
            deep = WIDE_COLORS[image.format](image, encoded) if image.format in WIDE_COLORS else None
            if deep is None:
                image.load()
                deep = np.asarray(image) if is_deep(image) else None
            orientation, animated = orientation_of(image), is_animated(image)  # may load, and hide damage
            upright = _upright(image if deep is None else _with_levels(image, deep, levels), orientation)
            size = _upright_size(width, height, orientation)
            values = None if deep is None else values_of(deep, _no_data(image))
            return Decoded(flattened(upright), size, values, animated)
    except (UnreadableImageError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError(why_unidentified(encoded)) from None
    except Exception as error:  # a damaged file can raise almost anything inside a decoder
        raise UnreadableImageError(f"cannot be decoded ({' '.join(_reason(error).split())})") from error


def _decode_tiff(page: Any, most_pixels: int, levels: Levels) -> Decoded:
    size, orientation = (page.imagewidth, page.imagelength), tiff_orientation(page)
    _check_size(size, most_pixels)
    values = tiff_values(page)
    deep, no_data = values.itemsize > 1, tiff_no_data(getattr(page.tags.get(NO_DATA_TAG), "value", None))
    inverted = page.photometric == WHITE_IS_0
    pixels = to_8_bits(values, levels, no_data, white_is_0=inverted) if deep else ~values if inverted else values
    image = _upright(_with_opacity(Image.fromarray(pixels), tiff_opacity(page)), orientation)
    size, found = _upright_size(*size, orientation), values_of(values, no_data) if deep else None
    return Decoded(flattened(image), size, found, animated=len(page.parent.pages) > 1)


def _check_size(size: tuple[int, int], most_pixels: int) -> None:
    if size[0] * size[1] > most_pixels:
        raise UnreadableImageError(f"{size[0]} x {size[1]} pixels, at most {most_pixels / 1e6:g} million are decoded")


def _upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    return (height, width) if orientation in SIDEWAYS else (width, height)


def to_rgb(image: Image.Image, levels: Levels) -> Image.Image:
    """Return a decoded picture with 8 bits and three channels, what is transparent laid on a ground."""
    return flattened(_with_levels(image, np.asarray(image), levels) if is_deep(image) else image)


def _with_levels(image: Image.Image, deep: npt.NDArray[Any], levels: Levels) -> Image.Image:
    """Return ``image`` with 8 bits for each of its values, which are ``deep``."""
    pixels = to_8_bits(deep, levels, _no_data(image), white_is_0=_tag(image, PHOTOMETRIC) == WHITE_IS_0)
    return _with_opacity(Image.fromarray(pixels), image.getchannel("A") if image.mode == "RGBA" else None)


def _with_opacity(image: Image.Image, opacity: Image.Image | None) -> Image.Image:
    if opacity is not None:
        image.putalpha(opacity)
    return image


def _no_data(image: Image.Image) -> float:
    return tiff_no_data(_tag(image, NO_DATA_TAG))


def _tag(image: Image.Image, tag: int) -> Any:
    """Return the value of a TIFF's tag; None if the image is none, or has no such tag."""
    return image.tag_v2.get(tag) if isinstance(image, TiffImageFile) else None


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    if orientation == 1:
        return image
    image.getexif()[ExifTags.Base.Orientation] = orientation  # lost where the values have been scaled
    return ImageOps.exif_transpose(image)


def _reason(error: Exception) -> str:
    if str(error).startswith("decoder error"):  # a number of libtiff's
        return "damaged, or compressed in a way that is not supported"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
