"""The chunks of a PNG file."""

import struct
import zlib
from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"
"""The first bytes of every PNG file."""

METADATA = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")


def without_metadata(png: bytes) -> bytes:
    """``png`` without texts and color profile; the rest as it is, also where it is damaged."""
    return PNG + b"".join(png[start:end] for name, start, end in _chunks(png) if name not in METADATA)


def check_pixels(png: bytes) -> None:
    """Compare each chunk of pixels with its checksum, which Pillow passes over.

    Raises:
        ValueError: they differ: the file is damaged.
    """
    content = memoryview(png)
    for name, start, end in _chunks(png):
        if name == b"IDAT" and zlib.crc32(content[start + 4 : end - 4]) != int.from_bytes(content[end - 4 : end]):
            raise ValueError("the checksum of its pixels is wrong: the file is damaged")


def _chunks(png: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each chunk, and where it starts and ends; the last one may be cut off."""
    at = len(PNG)
    while at + 8 <= len(png):
        length, name = struct.unpack_from(">I4s", png, at)
        yield name, at, at + 12 + length
        at += 12 + length
