"""Decoding one picture file, of any of the usual formats, to 8-bit RGB."""

import struct
from collections.abc import Sequence
from contextlib import suppress
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from scan_core.errors import DataError
from scan_core.images.deep_color import deep_colors, has_deep_color, lower_bytes, with_colors
from scan_core.images.jpeg2000 import jpeg2000_values
from scan_core.images.levels import Levels, Values, is_deep, to_8_bits, values_of
from scan_core.images.png import PNG, without_metadata
from scan_core.images.ppm import ppm_values
from scan_core.images.tiff import (
    NO_DATA_TAG,
    PHOTOMETRIC,
    WHITE_IS_0,
    other_tiff,
    tiff_no_data,
    tiff_orientation,
    tiff_values,
)

WITHOUT_SUFFIX = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
"""What a file may be whose name does not say that it is a picture. TIFF is not among them: so begin cameras' raw files,
in which there is but a thumbnail to be found."""

FORMATS = (*WITHOUT_SUFFIX, "TIFF")
"""No other decoder of Pillow's is tried: some of them start other programs. HEIC has a decoder of its own."""

HEIC = tuple(
    b"ftyp" + brand
    for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"heif", b"mif1", b"msf1")
)
"""Bytes 4 to 12 of such a file."""

WIDE_COLORS = {"PPM": ppm_values, "JPEG2000": jpeg2000_values}
"""Readers of all bits of a picture's colors."""

JPEG = b"\xff\xd8\xff"
"""The first bytes of every JPEG file."""

GIT_LFS = b"version https://git-lfs.github.com/spec/"
"""The beginning of what Git keeps in place of a large file."""

WEB_PAGE = (b"<!doctype html", b"<html")
"""The beginnings of a web page, in small letters; it may answer a download."""

MAX_BYTES = 2**31
"""Of a file that is read at all."""

MOST_PIXELS = 300_000_000
"""Of a picture that is decoded at all, unless another number is given."""

NEARLY_WHITE = 224
"""A transparent picture whose pixels, weighed by their opacity, are as bright in the mean is laid on black."""

SIDEWAYS = (5, 6, 7, 8)
"""The EXIF orientations that swap width and height."""


class UnreadableImageError(DataError):
    """An image cannot be decoded; the message names neither the file nor the machine."""


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
        with _open(encoded) as image:
            _check_size(image.size, most_pixels)
            width, height = image.size
            if at_least is not None:
                image.draft(None, (at_least, at_least))
            deep_color = has_deep_color(image)  # known until it is loaded, which a look at its EXIF may do
            orientation, animated = _orientation(image), _is_animated(image)
            deep = WIDE_COLORS[image.format](image, encoded) if image.format in WIDE_COLORS else None
            if deep is None:
                image.load()
                deep = _deep_pixels(image, encoded, color=deep_color)
            upright = _upright(image if deep is None else _with_levels(image, deep, levels), orientation)
            size = _upright_size(width, height, orientation)
            values = None if deep is None else values_of(deep, _no_data(image))
            return Decoded(_to_rgb(upright), size, values, animated)
    except (UnreadableImageError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError(_not_a_picture(encoded)) from None
    except Exception as error:  # a damaged file can raise almost anything inside a decoder
        raise UnreadableImageError(f"cannot be decoded ({' '.join(_reason(error).split())})") from error


def _decode_tiff(page: Any, most_pixels: int, levels: Levels) -> Decoded:
    size, orientation = (page.imagewidth, page.imagelength), tiff_orientation(page)
    _check_size(size, most_pixels)
    values = tiff_values(page)
    deep, no_data = values.itemsize > 1, tiff_no_data(getattr(page.tags.get(NO_DATA_TAG), "value", None))
    inverted = page.photometric == WHITE_IS_0
    pixels = to_8_bits(values, levels, no_data, white_is_0=inverted) if deep else ~values if inverted else values
    image = _upright(Image.fromarray(pixels), orientation)
    size, found = _upright_size(*size, orientation), values_of(values, no_data) if deep else None
    return Decoded(_to_rgb(image), size, found, animated=len(page.parent.pages) > 1)


def _check_size(size: tuple[int, int], most_pixels: int) -> None:
    if size[0] * size[1] > most_pixels:
        raise UnreadableImageError(f"{size[0]} x {size[1]} pixels, at most {most_pixels / 1e6:g} million are decoded")


def _upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    return (height, width) if orientation in SIDEWAYS else (width, height)


def is_picture(path: Path) -> bool:
    """Whether the file begins as one of ``WITHOUT_SUFFIX`` or HEIC does; its pixels may be damaged all the same."""
    try:
        with path.open("rb") as file:
            if file.read(16)[4:12] not in HEIC:
                file.seek(0)
                _identify(file, WITHOUT_SUFFIX)
            return True
    except Exception:  # a file that is no picture can raise almost anything inside a decoder
        return False


def _open(encoded: bytes) -> Image.Image:
    """Open without decoding; metadata of a PNG that Pillow refuses for their length are left out."""
    try:
        return _identify(BytesIO(encoded), FORMATS)
    except UnidentifiedImageError:
        if encoded[4:12] not in HEIC:
            raise
        return _open_heic(encoded)
    except ValueError:
        if not encoded.startswith(PNG):
            raise
        return _identify(BytesIO(without_metadata(encoded)), ["PNG"])


def _identify(file: BufferedReader | BytesIO, formats: Sequence[str]) -> Image.Image:
    """Do what ``Image.open`` does, but for its limit on pixels, which all of a process would share."""
    Image.init()
    beginning = file.read(16)
    for make, accepts in (Image.OPEN[format] for format in formats):
        with suppress(IndexError, SyntaxError, TypeError, struct.error):  # so they say that it is not theirs
            if accepts is None or accepts(beginning):
                file.seek(0)
                return make(file, "")
    raise UnidentifiedImageError


def _open_heic(encoded: bytes) -> Image.Image:
    try:
        from pi_heif import HeifImageFile  # an optional package
    except ImportError:
        raise UnreadableImageError(
            "HEIC, which the optional package pi-heif decodes: install it (uv pip install pi-heif)"
        ) from None
    return HeifImageFile(BytesIO(encoded))


def is_rotated(jpeg: bytes) -> bool:
    """Return whether EXIF says that the pixels are not upright, which some decoders ignore."""
    with _identify(BytesIO(jpeg), ["JPEG"]) as image:
        return _orientation(image) != 1


def _orientation(image: Image.Image) -> int:
    """Return EXIF's orientation, 1 (upright) to 8. Pillow itself turns a TIFF when it loads it."""
    if isinstance(image, TiffImageFile):
        return 1
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # only the orientation's metadata is damaged, the pixels are not
        return 1


def _is_animated(image: Image.Image) -> bool:
    """Whether there are further frames; not the smaller copies that cameras put behind a photograph (MPO)."""
    return image.format != "MPO" and getattr(image, "is_animated", False)


def to_rgb(image: Image.Image, levels: Levels) -> Image.Image:
    """A decoded picture with 8 bits and three channels, transparency laid on a ground that it contrasts with."""
    return _to_rgb(_with_levels(image, np.asarray(image), levels) if is_deep(image) else image)


def _deep_pixels(image: Image.Image, encoded: bytes, *, color: bool) -> npt.NDArray[Any] | None:
    """The values of ``image``, [H, W] or, of deep ``color``, [H, W, 3], where they have more than 8 bits."""
    if color:
        with _open(encoded) as lower:
            return deep_colors(image, lower_bytes(lower))
    return np.asarray(image) if is_deep(image) else None


def _with_levels(image: Image.Image, deep: npt.NDArray[Any], levels: Levels) -> Image.Image:
    """``image`` with 8 bits for each of its values, which are ``deep``."""
    pixels = to_8_bits(deep, levels, _no_data(image), white_is_0=_tag(image, PHOTOMETRIC) == WHITE_IS_0)
    return Image.fromarray(pixels) if deep.ndim == 2 else with_colors(image, pixels)


def _no_data(image: Image.Image) -> float:
    return tiff_no_data(_tag(image, NO_DATA_TAG))


def _tag(image: Image.Image, tag: int) -> Any:
    """The value of a TIFF's tag; None if the image is none, or has no such tag."""
    return image.tag_v2.get(tag) if isinstance(image, TiffImageFile) else None


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    if orientation == 1:
        return image
    image.getexif()[ExifTags.Base.Orientation] = orientation  # lost where the values have been scaled
    return ImageOps.exif_transpose(image)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode == "La":  # gray multiplied by its opacity, which Pillow converts to LA alone
        image = image.convert("LA")
    return (_on_ground(image.convert("RGBA")) if image.has_transparency_data else image).convert("RGB")


def _on_ground(image: Image.Image) -> Image.Image:
    """Lay an RGBA image on white, or on black where on white nothing of it would be seen.

    Where all of it is transparent, the alpha channel is taken to be a fault, and left out.
    """
    brightness, alpha = np.asarray(image.convert("L")), np.asarray(image.getchannel("A"), np.float64)
    visible = alpha.sum()
    if not visible:
        return image
    ground = "black" if (brightness * alpha).sum() / visible >= NEARLY_WHITE else "white"
    return Image.alpha_composite(Image.new("RGBA", image.size, ground), image)


def _reason(error: Exception) -> str:
    if str(error).startswith("decoder error"):  # a number of libtiff's
        return "damaged, or compressed in a way that is not supported"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _not_a_picture(encoded: bytes) -> str:
    if not encoded:
        return "empty (0 bytes)"
    if encoded.startswith(GIT_LFS):
        return "a Git LFS pointer, not the picture; run git lfs pull"
    if encoded[:100].lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(WEB_PAGE):
        return "a web page, not a picture; download it again"
    if encoded.startswith(JPEG):
        return "a JPEG file that is damaged, lossless or of 12 bits; convert it, to PNG for instance"
    return f"not a picture in one of the formats {', '.join(FORMATS)} or HEIC"
