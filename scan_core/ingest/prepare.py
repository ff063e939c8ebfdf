"""Turn an image from its origin into the pixels that the network sees, and into a file that decodes to them."""

import hashlib
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from scan_core.datasets.dataset import Stored
from scan_core.images.decode import MAX_BYTES, MOST_PIXELS, Decoded
from scan_core.images.formats import JPEG, UnreadableImageError, is_rotated
from scan_core.images.levels import Values
from scan_core.images.preparation import Preparation
from scan_core.images.resize import BILINEAR, FILTERS, FITS, channels_first, decode_and_resize, picture_of
from scan_core.ingest.file_digests import NO_FILE

DIGEST_BYTES = 16
PNG_LEVEL = 1
"""Level of zlib: twice as fast as its default, for a few percent more bytes."""


class Prepared(NamedTuple):
    """One image, ready to be stored."""

    pixels: npt.NDArray[np.uint8]
    """[C, S, S]"""
    encoded: bytes
    """A file that ``StreamedImages`` decodes to ``pixels``; empty if not requested."""
    original_size: tuple[int, int]
    """Width and height before resizing, in pixels."""
    moments: npt.NDArray[np.int64]
    """[C, 2], each channel's sum of values and of their squares, exact, so that the order of summation does not
    matter."""
    digest: bytes
    """BLAKE2b of the pixels: equal images have equal digests."""
    values: Values | None
    """Of the picture's pixels before, where they had more than 8 bits."""
    animated: bool
    """Whether it is the first of several frames."""
    file_digest: bytes = NO_FILE
    """SHA-256 of its file, where it has one of its own."""


def prepare(stored: Stored, preparation: Preparation, *, encode: bool, most_pixels: int = MOST_PIXELS) -> Prepared:
    """Decode one image and make it a square of the wanted size.

    Keeps an upright JPEG file that is no larger than its resized pixels, as its reader resizes by the bilinear filter;
    encodes everything else as PNG.

    Args:
        preparation: the size of the square, how it is made, and which values become black and white.
        encode: whether ``encoded`` is wanted.
        most_pixels: of a picture that is decoded at all.

    Raises:
        UnreadableImageError: the image is missing or cannot be decoded.
    """
    if stored is None:
        raise UnreadableImageError("no image bytes in this row")
    file_digest = NO_FILE
    if isinstance(stored, Path):
        stored = _read(stored)
        file_digest = hashlib.sha256(stored).digest()
    if isinstance(stored, bytes):
        size, fit, levels, interpolation = preparation
        decoded = decode_and_resize(stored, size, fit, interpolation, levels=levels, most_pixels=most_pixels)
    else:
        decoded = _resize(stored, preparation)
    pixels = channels_first(decoded.image)
    room = pixels.nbytes if preparation.interpolation == BILINEAR else 0
    encoded = _encode(stored, decoded.image, room=room) if encode else b""
    moments, digest = _moments(pixels), pixels_digest(pixels)
    return Prepared(
        pixels, encoded, decoded.original_size, moments, digest, decoded.values, decoded.animated, file_digest
    )


def pixels_digest(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return a fingerprint of one image's pixels."""
    return hashlib.blake2b(pixels.tobytes(), digest_size=DIGEST_BYTES).digest()


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise UnreadableImageError("not a file")
        if status.st_size > MAX_BYTES:
            raise UnreadableImageError(f"{status.st_size} bytes, at most {MAX_BYTES} are read")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableImageError(f"cannot be read ({error.strerror})") from error


def _resize(pixels: npt.NDArray[np.uint8], preparation: Preparation) -> Decoded:
    image = picture_of(pixels)
    filter = FILTERS[preparation.interpolation]
    return Decoded(FITS[preparation.fit](image, preparation.image_size, filter), image.size)


def _moments(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Compute [C, 2] in float64, which holds these integers exactly and is faster."""
    values = pixels.reshape(len(pixels), -1).astype(np.float64)
    return np.stack([values.sum(1), np.einsum("ci,ci->c", values, values)], axis=1).astype(np.int64)


def _encode(stored: bytes | npt.NDArray[np.uint8], resized: Image.Image, *, room: int) -> bytes:
    if isinstance(stored, bytes) and stored.startswith(JPEG) and len(stored) <= room and not is_rotated(stored):
        return stored
    file = BytesIO()
    resized.save(file, format="PNG", compress_level=PNG_LEVEL)
    return file.getvalue()
