"""TIFF files that Pillow refuses or misreads; each is written here, by the format's specification."""

import struct
import zlib

import numpy as np
import pytest

from scan_core.images.decode import UnreadableImageError, decode_rgb
from scan_core.images.levels import Levels, Values
from scan_core.images.tiff import other_tiff
from tests.samples import encode, noise

SHORT, LONG = 3, 4
RAMP = np.arange(48).reshape(6, 8)


def _tiff(pixels, order="<", *, planes=False, strips=1, tile=0, compressed=False, differences=False, photometric=None):
    """A file of ``pixels`` [H, W, C]."""
    height, width, channels = pixels.shape
    pixels = pixels.astype(pixels.dtype.newbyteorder(order))
    if differences:
        pixels = np.diff(pixels, axis=1, prepend=pixels[:, :1] * 0).astype(pixels.dtype)
    parts = [pixels[..., i : i + 1] for i in range(channels)] if planes else [pixels]
    if tile:
        wide = [np.pad(part, ((0, -height % tile), (0, -width % tile), (0, 0))) for part in parts]
        blocks = [
            part[y : y + tile, x : x + tile]
            for part in wide
            for y in range(0, height, tile)
            for x in range(0, width, tile)
        ]
    else:
        blocks = [block for part in parts for block in np.split(part, strips)]
    data = [zlib.compress(block.tobytes()) if compressed else block.tobytes() for block in blocks]
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    offsets, lengths = [8 + sum(map(len, data[:i])) for i in range(len(data))], [len(each) for each in data]
    place = {322: (LONG, [tile]), 323: (LONG, [tile]), 324: (LONG, offsets), 325: (LONG, lengths)}
    place = place if tile else {273: (LONG, offsets), 278: (LONG, [height // strips]), 279: (LONG, lengths)}
    tags = {
        256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [8 * pixels.dtype.itemsize] * channels),
        259: (SHORT, [8 if compressed else 1]), 262: (SHORT, [photometric or (2 if channels > 2 else 1)]),
        277: (SHORT, [channels]), 284: (SHORT, [2 if planes else 1]), 317: (SHORT, [2 if differences else 1]),
        339: (SHORT, [kind] * channels), **place,
    }  # fmt: skip
    at = offsets[-1] + lengths[-1]
    entries, beyond = struct.pack(f"{order}H", len(tags)), b""
    for tag, (type, numbers) in sorted(tags.items()):
        content = struct.pack(f"{order}{len(numbers)}{'HI'[type - SHORT]}", *numbers)
        if len(content) > 4:
            content, beyond = struct.pack(f"{order}I", at + 6 + 12 * len(tags) + len(beyond)), beyond + content
        entries += struct.pack(f"{order}HHI", tag, type, len(numbers)) + content.ljust(4, b"\0")
    header = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, at)
    return header + b"".join(data) + entries + bytes(4) + beyond


def _values(encoded):
    found = other_tiff(encoded)
    assert found is not None
    return found.values()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("type", ["f2", "f4", "f8", "u2", "u4", "i1", "i2", "i4"])
@pytest.mark.parametrize(
    "how",
    [
        {}, {"compressed": True}, {"strips": 3}, {"tile": 16}, {"planes": True}, {"planes": True, "strips": 2},
        {"planes": True, "compressed": True}, {"planes": True, "tile": 16, "compressed": True},
    ],
    ids=lambda how: " ".join(how),
)  # fmt: skip
def test_colors_of_every_type(order, type, how):
    pixels = np.stack([RAMP, RAMP + 50, 127 - RAMP], axis=2).astype(type)
    found = other_tiff(_tiff(pixels, order, **how))
    if found is None:  # so Pillow reads it, and rightly
        assert (type, "planes" in how) == ("u2", False)
        return
    assert np.array_equal(found.values(), pixels)


def test_gray_of_many_bits():
    for type, highest in (("f8", 1e-3), ("f2", 100), ("u4", 2**32 - 1)):
        pixels = (RAMP * (highest / 47)).astype(type)
        for order in "<>":
            assert np.array_equal(_values(_tiff(pixels[..., None], order)), pixels)


def test_transparency_is_left_out():
    pixels = np.stack([RAMP, RAMP * 2, RAMP * 3, RAMP * 0], axis=2)
    assert np.array_equal(_values(_tiff(pixels.astype("f4"))), pixels[..., :3])
    assert np.array_equal(_values(_tiff(pixels[..., :2].astype("u2"))), pixels[..., 0])


def test_differences_between_neighbors():
    pixels = np.stack([RAMP * 999 % 4096, RAMP, RAMP * 5], axis=2).astype("u2")
    assert np.array_equal(_values(_tiff(pixels, planes=True, differences=True, compressed=True)), pixels)


def test_decode_by_levels():
    pixels = np.stack([RAMP, RAMP * 0, RAMP], axis=2).astype("f8") / 47
    decoded = decode_rgb(_tiff(pixels))
    assert decoded.values == Values(0, 1, whole=False)
    assert decoded.original_size == (8, 6)
    assert np.array_equal(np.asarray(decoded.image), np.rint(pixels * 255))
    wide = decode_rgb(_tiff((RAMP * 80).astype("u4")[..., None]), levels=Levels(highest=4095))
    assert np.array_equal(np.asarray(wide.image)[..., 0], RAMP * 80 // 16)


def test_what_pillow_reads_is_left_to_it():
    for pixels in (noise(4, 4, 3), noise(4, 4), noise(4, 4).astype("u2"), noise(4, 4).astype("f4")):
        assert other_tiff(encode(pixels, "TIFF")) is None
    assert other_tiff(encode(noise(4, 4), "PNG")) is None


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (_tiff(np.zeros((6, 8, 5), "u2")), "TIFF of 5 x uint16, tags 259, 262 and 317: 1, 2, 1; save it as PNG"),
        (
            _tiff(np.zeros((6, 8, 3), "f8"), tile=16, differences=True),
            "TIFF of 3 x float64, tags 259, 262 and 317: 1, 2, 2",
        ),
        (_tiff(np.zeros((6, 8, 3), "f8"), compressed=True).replace(b"x\x9c", b"??"), "cannot be decoded"),
        (_tiff(np.zeros((6, 8, 3), "f8"))[:300], "not a picture"),
    ],
)
def test_other_kinds_are_named(encoded, message):
    with pytest.raises(UnreadableImageError, match=message):
        decode_rgb(encoded)


def test_no_more_pixels_than_the_limit():
    with pytest.raises(UnreadableImageError, match="8 x 6 pixels, at most"):
        decode_rgb(_tiff(np.zeros((6, 8, 3), "f8")), most_pixels=40)
