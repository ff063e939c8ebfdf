"""Read TIFF files that Pillow refuses or misreads: floating point of 64 bits, for instance, or colors in planes.

The file gets new tags that describe its strips or tiles as those of a gray picture of 8 bits. Pillow decompresses these
whatever the bytes mean, and 8 such pixels are then one value of 64 bits.
"""

import struct
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

MAGIC = (b"II*\0", b"MM\0*")
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION = 256, 257, 258, 259, 262, 274
SAMPLES, PLANES, PREDICTOR, TILE_WIDTH, SAMPLE_FORMAT = 277, 284, 317, 322, 339
BLOCKS = (273, 279, 324, 325)
"""Offsets and lengths of strips, and of tiles."""
LONG = 4
"""The type of 32-bit numbers in tags."""
COPIED = (HEIGHT, COMPRESSION, 278, 323)
"""Height, compression, and rows of a strip or tile."""
OF_BYTES = (1, 5, 8, 32773, 32946, 34925, 50000)
"""Compressions that yield the bytes of the values: none, LZW, deflate, PackBits, LZMA and Zstandard."""
GRAY, COLOR = (0, 1), 2
BETWEEN = 2
"""The predictor that stores differences between neighbors."""
TYPES = {1: "u", 2: "i", 3: "f"}


class OtherTiff(NamedTuple):
    """The tags of such a file, of its first picture."""

    encoded: bytes
    tags: dict[int, Any]

    @property
    def size(self) -> tuple[int, int]:
        return self.tags[WIDTH], self.tags[HEIGHT]

    @property
    def orientation(self) -> int:
        return int(self.tags.get(ORIENTATION, 1))

    def values(self) -> npt.NDArray[Any]:
        """Read [H, W] or, of colors, [H, W, 3]; transparency is left out.

        Raises:
            ValueError: the values, or the way they are stored, are of a kind that cannot be read, too.
        """
        kind, samples = _kind(self.tags), self.tags.get(SAMPLES, 1)
        predictor, photometric = self.tags.get(PREDICTOR, 1), self.tags.get(PHOTOMETRIC)
        tiled, planes = TILE_WIDTH in self.tags, self.tags.get(PLANES, 1) == 2
        known = self.tags.get(COMPRESSION, 1) in OF_BYTES and predictor in ((1,) if tiled else (1, BETWEEN))
        if not known or samples > 4 or photometric not in (*GRAY, COLOR):
            described = f"{samples} x {kind.name if kind else 'unknown values'}, tags {COMPRESSION}, {PHOTOMETRIC} and "
            raise ValueError(
                f"TIFF of {described}{PREDICTOR}: {self.tags.get(COMPRESSION, 1)}, {photometric}, {predictor}; save it "
                "as PNG, or as TIFF of one, three or four channels without compression"
            )
        if kind is None:
            raise ValueError("TIFF of values that are neither integers nor real numbers of 8, 16, 32 or 64 bits")
        kind = kind.newbyteorder("<" if self.encoded.startswith(MAGIC[0]) else ">")
        together = 1 if planes else samples
        found = [self._block(plane, kind, together, predictor) for plane in range(samples if planes else 1)]
        values = np.concatenate(found, axis=2)
        return values[..., :3] if samples > 2 else values[..., 0]

    def _block(self, plane: int, kind: np.dtype[Any], samples: int, predictor: int) -> npt.NDArray[Any]:
        """Read [H, W, samples] of the strips or tiles of one ``plane``."""
        bytes_each = samples * kind.itemsize
        described = {tag: self.tags[tag] for tag in COPIED if tag in self.tags}
        described |= {WIDTH: self.tags[WIDTH] * bytes_each, BITS: 8, PHOTOMETRIC: 1}
        if TILE_WIDTH in self.tags:
            described[TILE_WIDTH] = self.tags[TILE_WIDTH] * bytes_each
        planes = self.tags.get(SAMPLES, 1) if samples == 1 else 1
        for tag in (tag for tag in BLOCKS if tag in self.tags):
            count = len(self.tags[tag]) // planes
            described[tag] = self.tags[tag][plane * count : (plane + 1) * count]
        file = _described(self.encoded, described)
        with TiffImageFile(BytesIO(file)) as image:
            rows = np.ascontiguousarray(np.asarray(image))
        values = rows.view(kind).reshape(self.tags[HEIGHT], self.tags[WIDTH], samples)
        if predictor == BETWEEN:
            values = np.add.accumulate(values, axis=1, dtype=kind.newbyteorder("="))
        return values.astype(kind.newbyteorder("="))


def other_tiff(encoded: bytes) -> OtherTiff | None:
    """Return the file if it is a TIFF that Pillow refuses or misreads, else None."""
    if encoded[:4] not in MAGIC:
        return None
    try:
        with TiffImageFile(BytesIO(encoded)) as image:
            tags = dict(image.tag_v2)
    except (SyntaxError, UnidentifiedImageError):
        tags = _read_tags(encoded)
    else:
        kind = _kind(tags)
        misread = kind is not None and (
            (tags.get(PLANES, 1) == 2 and tags.get(SAMPLES, 1) > 1 and kind.itemsize > 1)
            or (kind.kind, kind.itemsize) in (("i", 1), ("u", 4))
        )
        if not misread:
            return None
    return OtherTiff(encoded, tags) if WIDTH in tags and HEIGHT in tags else None


def _described(encoded: bytes, tags: dict[int, Any]) -> bytes:
    """Return the file with other ``tags``, of one integer or several, appended."""
    order = "<" if encoded.startswith(MAGIC[0]) else ">"
    at = len(encoded) + len(encoded) % 2
    beyond, numbers = at + 2 + 12 * len(tags) + 4, b""
    entries = struct.pack(f"{order}H", len(tags))
    for tag, value in sorted(tags.items()):
        several = value if isinstance(value, tuple) else (value,)
        content = struct.pack(f"{order}{len(several)}I", *several)
        if len(several) > 1:
            content, numbers = struct.pack(f"{order}I", beyond + len(numbers)), numbers + content
        entries += struct.pack(f"{order}HHI", tag, LONG, len(several)) + content
    header = encoded[:4] + struct.pack(f"{order}I", at)
    return header + encoded[8:].ljust(at - 8, b"\0") + entries + bytes(4) + numbers


def _read_tags(encoded: bytes) -> dict[int, Any]:
    directory = ImageFileDirectory_v2(encoded[:8])
    file = BytesIO(encoded)
    file.seek(directory.next)
    directory.load(file)
    return dict(directory)


def _kind(tags: dict[int, Any]) -> np.dtype[Any] | None:
    """Return the type of the values, in the machine's byte order; None if channels differ in it or NumPy lacks it."""
    bits, kinds = set(tags.get(BITS, (1,))), set(tags.get(SAMPLE_FORMAT, (1,)))
    if len(bits) != 1 or len(kinds) != 1:
        return None
    try:
        return np.dtype(f"{TYPES[kinds.pop()]}{bits.pop() // 8}")
    except (KeyError, TypeError):
        return None
