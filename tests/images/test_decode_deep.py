import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
import tifffile
from imagecodecs import jpeg2k_encode
from PIL import Image

from scan_core.images.decode import decode_rgb
from scan_core.images.formats import UnreadableImageError
from scan_core.images.levels import Levels, Values
from tests.samples import encode, png


def _pixels(encoded):
    return np.asarray(decode_rgb(encoded).image)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_decode_sixteen_bit_gray(kind):
    values = np.array([[0, 255, 256, 0x8000, 0xFFFF]], np.uint16)
    assert _pixels(encode(values, kind))[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_decode_sixteen_bit_rgb():
    row = b"\0" + struct.pack(">HHH", 0xFFFF, 0x8000, 0x00FF)
    assert _pixels(png(1, 1, depth=16, rows=row)).tolist() == [[[255, 128, 0]]]


DEEP = np.array([[[0, 15, 4095], [2048, 300, 16]], [[1, 2, 3], [4095, 4080, 256]]], np.uint16)
"""Colors of 12 bits."""


def _tiff(pixels, order, *, compressed):
    """A file of Pillow's no making: 16 bits for each color, in one strip."""
    height, width, colors = pixels.shape
    data = pixels.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if compressed else data
    short, long, first = 3, 4, 8 + 2 + 12 * 9 + 4
    entries = [(256, long, 1, width), (257, long, 1, height), (258, short, colors, first)]
    entries += [(259, long, 1, 8 if compressed else 1), (262, long, 1, 2), (273, long, 1, first + 2 * colors)]
    entries += [(277, long, 1, colors), (278, long, 1, height), (279, long, 1, len(data))]
    header = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(entries))
    tags = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    return header + tags + struct.pack(f"{order}I{colors}H", 0, *[16] * colors) + data


@pytest.mark.parametrize(
    "encoded",
    [
        png(2, 2, depth=16, rows=b"".join(b"\0" + row.astype(">u2").tobytes() for row in DEEP)),
        *(_tiff(DEEP, order, compressed=compressed) for order in "<>" for compressed in (False, True)),
    ],
    ids=["PNG", "TIFF", "TIFF compressed", "TIFF big-endian", "TIFF big-endian compressed"],
)
def test_decode_colors_of_twelve_bits_in_sixteen(encoded):
    decoded = decode_rgb(encoded, levels=Levels(highest=4095))
    assert np.asarray(decoded.image).tolist() == (DEEP // 16).tolist()
    assert decoded.values == Values(0, 4095, whole=True)
    assert np.array_equal(_pixels(encoded), DEEP // 256)


def test_decode_transparent_colors_of_sixteen_bits():
    pixels = np.array([[[4095, 300, 17, 65535], [5, 5, 5, 0]]], ">u2")
    image = decode_rgb(png(2, 1, depth=16, rows=b"\0" + pixels.tobytes(), kind=6), levels=Levels(highest=4095)).image
    assert np.asarray(image).tolist() == [[[255, 18, 1], [255, 255, 255]]]


def test_decode_colors_of_twelve_bits_beside_another_channel():
    file = BytesIO()
    pixels = np.dstack([DEEP, np.full(DEEP.shape[:2], 4000, np.uint16)])
    tifffile.imwrite(file, pixels, photometric="rgb", extrasamples=["unspecified"])
    decoded = decode_rgb(file.getvalue(), levels=Levels(highest=4095))
    assert np.asarray(decoded.image).tolist() == (DEEP // 16).tolist()
    assert decoded.values == Values(0, 4095, whole=True)


def test_decode_transparent_gray_of_sixteen_bits():
    pixels = np.array([[[4095, 65535], [300, 65535], [5, 0]]], ">u2")
    image = decode_rgb(png(3, 1, depth=16, rows=b"\0" + pixels.tobytes(), kind=4), levels=Levels(highest=4095)).image
    assert np.asarray(image).tolist() == [[[255] * 3, [18] * 3, [255] * 3]]


def test_decode_turns_colors_of_sixteen_bits():
    exif = Image.Exif()
    exif[0x0112] = 6
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in DEEP)
    image = decode_rgb(png(2, 2, depth=16, rows=rows, exif=exif.tobytes()[6:]), levels=Levels(highest=4095)).image
    assert np.asarray(image).tolist() == np.rot90(DEEP // 16, -1).tolist()


def test_decode_sixteen_bits_of_which_few_are_used():
    values = np.array([[0, 255, 2048, 4095]], np.uint16)
    decoded = decode_rgb(encode(values, "TIFF"), levels=Levels(highest=4095))
    assert np.asarray(decoded.image)[0, :, 0].tolist() == [0, 15, 128, 255]
    assert decoded.values == Values(0, 4095, whole=True)


@pytest.mark.parametrize("plain", [False, True], ids=["P6", "P3"])
@pytest.mark.parametrize("highest", [2**16 - 1, 2**15])
def test_decode_ppm_of_which_few_bits_are_used(plain, highest):
    # Of values up to 4,080, the higher 8 bits of 16 would be 16 levels. Those of a file whose highest is 2^15 count
    # twice as much (up to its rounding).
    colors = (np.arange(6 * 8 * 3).reshape(6, 8, 3) * 28) // (1 if highest == 2**16 - 1 else 2)
    values = " ".join(map(str, colors.ravel())).encode() if plain else colors.astype(">u2").tobytes()
    encoded = b"%s # 16 bits\n8 6 %d\n" % (b"P3" if plain else b"P6", highest) + values
    decoded = decode_rgb(encoded, levels=Levels(highest=4095))
    assert np.array_equal(np.asarray(decoded.image), np.rint(colors * (65_535 / highest)) // 16)
    assert decoded.original_size == (8, 6)
    with pytest.raises(UnreadableImageError, match="cannot be decoded"):
        decode_rgb(encoded[:-20])


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("form", ["J2K", "JP2"])
def test_decode_jpeg_2000_of_which_few_bits_are_used(form, bits):
    colors = (np.arange(6 * 8 * 3).reshape(6, 8, 3) * 28).astype(np.uint16) >> (16 - bits)
    encoded = jpeg2k_encode(colors, level=0, reversible=True, codecformat=form, bitspersample=bits)
    decoded = decode_rgb(encoded, levels=Levels(highest=4095))
    assert np.array_equal(np.asarray(decoded.image), (colors << (16 - bits)) // 16)
    white = jpeg2k_encode(
        np.full_like(colors, 2**bits - 1), level=0, reversible=True, codecformat=form, bitspersample=bits
    )
    assert (_pixels(white) == 255).all()
    with pytest.raises(UnreadableImageError, match="cannot be decoded"):
        decode_rgb(encoded[:-150])


def test_decode_floating_point():
    # Halfway is 127.5, to the even neighbor; beyond the levels is clipped, and what is no number is black.
    values = np.array([[0, 0.5, 1, 2, np.nan]], np.float32)
    decoded = decode_rgb(encode(values, "TIFF"))
    assert np.asarray(decoded.image)[0, :, 0].tolist() == [0, 128, 255, 255, 0]
    assert decoded.values == Values(0, 2, whole=False)
