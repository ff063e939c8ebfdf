"""TIFF files that Pillow refuses or misreads."""

from io import BytesIO

import numpy as np
import pytest
import tifffile

from scan_core.images.decode import decode_rgb
from scan_core.images.formats import UnreadableImageError
from scan_core.images.levels import Levels, Values
from scan_core.images.tiff import other_tiff, tiff_values
from tests.samples import encode, noise

RAMP = np.arange(48).reshape(6, 8)
COLORS = np.stack([RAMP, RAMP + 50, 127 - RAMP])
"""In planes: [3, 6, 8]."""


def _tiff(pixels, order="<", *, gray=False, **how):
    """A file of ``pixels`` [H, W], [H, W, C], or [C, H, W] with ``planarconfig="separate"``."""
    file, photometric = BytesIO(), "minisblack" if gray or pixels.ndim == 2 else "rgb"
    tifffile.imwrite(file, pixels, byteorder=order, **{"photometric": photometric, **how})
    return file.getvalue()


def _values(encoded):
    page = other_tiff(encoded)
    assert page is not None
    return tiff_values(page)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("type", ["f2", "f4", "f8", "u2", "u4", "i1", "i2", "i4"])
@pytest.mark.parametrize("planes", [False, True], ids=["", "planes"])
@pytest.mark.parametrize(
    "how",
    [{}, {"compression": "zlib"}, {"compression": "lzw"}, {"rowsperstrip": 2}, {"tile": (16, 16)}],
    ids=lambda how: str(how),
)
def test_colors_of_every_type(order, type, planes, how):
    pixels = COLORS.astype(type)
    written = pixels if planes else np.moveaxis(pixels, 0, 2)
    page = other_tiff(_tiff(written, order, planarconfig="separate" if planes else "contig", **how))
    if page is None:  # so Pillow reads it, and rightly
        assert (type, planes) == ("u2", False)
        return
    found, expected = tiff_values(page), np.moveaxis(pixels, 0, 2)
    assert np.array_equal(found, expected.astype(int) + 128 if type == "i1" else expected)


def test_gray_of_many_bits():
    for type, highest in (("f8", 1e-3), ("f2", 100), ("u4", 2**32 - 1)):
        pixels = (RAMP * (highest / 47)).astype(type)
        for order in "<>":
            assert np.array_equal(_values(_tiff(pixels, order)), pixels)


def test_transparency_is_left_out():
    pixels = np.stack([RAMP, RAMP * 2, RAMP * 3, RAMP * 0], axis=2)
    encoded = _tiff(pixels.astype("f4"), extrasamples=["unassalpha"])
    assert np.array_equal(_values(encoded), pixels[..., :3])
    gray = _tiff(pixels[..., :2].astype("u2"), gray=True, planarconfig="contig", extrasamples=["unassalpha"])
    assert np.array_equal(_values(gray), pixels[..., 0])


def test_differences_between_neighbors():
    how = {"predictor": True, "compression": "zlib"}
    real, whole = np.moveaxis(COLORS / 80, 0, 2), (COLORS * 999 % 4096).astype("u2")
    assert np.array_equal(_values(_tiff(real, **how)), real)
    assert np.array_equal(_values(_tiff(whole, planarconfig="separate", **how)), np.moveaxis(whole, 0, 2))


def test_decode_by_levels():
    pixels = np.stack([RAMP, RAMP * 0, RAMP], axis=2).astype("f8") / 47
    decoded = decode_rgb(_tiff(pixels))
    assert decoded.values == Values(0, 1, whole=False)
    assert decoded.original_size == (8, 6)
    assert np.array_equal(np.asarray(decoded.image), np.rint(pixels * 255))
    wide = decode_rgb(_tiff((RAMP * 80).astype("u4")), levels=Levels(highest=4095))
    assert np.array_equal(np.asarray(wide.image)[..., 0], RAMP * 80 // 16)


@pytest.mark.parametrize("type", ["u1", "i1", "u2", "u4", "f4", "f8"])
def test_white_is_zero(type):
    # 12 bits of more, or all 8: the levels are those of the values, and then gray is turned round.
    pixels = (RAMP * (5 if type in ("u1", "i1") else 80)).astype(type)
    levels = Levels(highest=4095, highest_real=4095)
    dark, bright = (
        np.asarray(decode_rgb(_tiff(pixels, photometric=name), levels=levels).image).astype(int)
        for name in ("minisblack", "miniswhite")
    )
    assert dark.max() > 200
    assert np.array_equal(bright, 255 - dark)


def test_8_bits_need_no_levels():
    colors = np.moveaxis(COLORS, 0, 2).astype("u1")
    decoded = decode_rgb(_tiff(colors, compression="png"))
    assert np.array_equal(np.asarray(decoded.image), colors)
    assert decoded.values is None
    signed = decode_rgb(_tiff((colors ^ 128).view("i1")))
    assert np.array_equal(np.asarray(signed.image), colors)


def test_integers_of_64_bits():
    decoded = decode_rgb(_tiff((RAMP * 10**17).astype("u8")), levels=Levels(highest_real=47 * 1e17))
    assert np.array_equal(np.asarray(decoded.image)[..., 0], np.rint(RAMP * (255 / 47)))


@pytest.mark.parametrize(
    ("type", "no_data"),
    [("f4", "-9999"), ("f8", "-9999.0"), ("i2", "-32768"), ("u2", "65535"), ("u4", "4294967295"), ("i8", "-9999")],
)
def test_what_stands_for_no_data_is_black(type, no_data):
    # The others lie between 100 and 147: of integers, 48 that share 256 levels.
    pixels = (RAMP + 100).astype(type)
    pixels[0] = float(no_data)
    encoded = _tiff(pixels, extratags=[(42113, "s", 0, no_data, True)])
    levels = Levels(lowest=100, highest=147, lowest_real=100, highest_real=147)
    decoded = decode_rgb(encoded, levels=levels)
    assert decoded.values == Values(108, 147, whole=type in ("i2", "u2", "u4"))
    gray = np.asarray(decoded.image)[..., 0]
    assert not gray[0].any()
    assert (gray[1, 0], gray[-1, -1]) == ((8 * 256 // 48, 47 * 256 // 48) if decoded.values.whole else (43, 255))
    undisturbed = decode_rgb(_tiff(pixels[1:]), levels=levels)
    assert np.array_equal(gray[1:], np.asarray(undisturbed.image)[..., 0])


def test_no_data_of_colors_and_of_no_number():
    colors = np.stack([RAMP * 80, RAMP * 0 + 4000, RAMP * 50], axis=2).astype("u2")
    decoded = decode_rgb(_tiff(colors, extratags=[(42113, "s", 0, "4000", True)]), levels=Levels(highest=4095))
    assert decoded.values == Values(0, 3760, whole=True)
    assert not np.asarray(decoded.image)[..., 1].any()
    damaged = decode_rgb(_tiff(colors, extratags=[(42113, "s", 0, "none", True)]))
    assert damaged.values == Values(0, 4000, whole=True)


def test_files_with_64_bit_offsets_and_several_pages():
    file = BytesIO()
    tifffile.imwrite(file, np.stack([RAMP / 47] * 3), bigtiff=True, photometric="minisblack")
    decoded = decode_rgb(file.getvalue())
    assert decoded.animated
    assert np.array_equal(np.asarray(decoded.image)[..., 0], np.rint(RAMP * (255 / 47)))


def test_orientation():
    turned = _tiff(RAMP / 47, extratags=[(274, "H", 1, 6, True)])
    decoded = decode_rgb(turned)
    assert decoded.original_size == (6, 8)
    assert np.array_equal(np.asarray(decoded.image)[..., 0], np.rot90(np.rint(RAMP / 47 * 255), -1))


def test_what_pillow_reads_is_left_to_it():
    for pixels in (noise(4, 4, 3), noise(4, 4), noise(4, 4).astype("u2"), noise(4, 4).astype("f4")):
        assert other_tiff(encode(pixels, "TIFF")) is None
    transparent = noise(4, 4, 4)
    assert other_tiff(encode(transparent, "TIFF", compression="tiff_adobe_deflate")) is None
    assert other_tiff(encode(noise(4, 4, 3), "TIFF", compression="tiff_lzw")) is None
    assert other_tiff(encode(noise(4, 4), "PNG")) is None


@pytest.mark.parametrize("name", ["tiff_adobe_deflate", "tiff_deflate", "packbits", "lzma", "zstd"])
@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 3)], ids=str)
def test_compressed(name, shape):
    pixels = noise(*shape)
    encoded = encode(pixels, "TIFF", compression=name)
    assert other_tiff(encoded) is not None
    assert np.array_equal(np.asarray(decode_rgb(encoded).image), pixels if len(shape) == 3 else np.dstack([pixels] * 3))


@pytest.mark.parametrize(("compression", "type"), [("zlib", "u1"), ("zlib", "u2"), ("lzw", "u2")])
def test_nothing_is_printed_of_a_damaged_file(compression, type, capfd):
    encoded = bytearray(_tiff(noise(64, 64, 3).astype(type), compression=compression))
    encoded[3_000:3_050] = bytes(b ^ 0xFF for b in encoded[3_000:3_050])
    with pytest.raises(UnreadableImageError, match=r"cannot be decoded \(.*(BAD_DATA|CORRUPT)\)"):
        decode_rgb(bytes(encoded))
    assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_reasons_are_words_not_numbers():
    cut = encode(noise(64, 64, 3), "TIFF", compression="tiff_lzw")[:3_000]
    with pytest.raises(UnreadableImageError, match="cut off before its first picture is described"):
        decode_rgb(cut)
    damaged = bytearray(encode(noise(64, 64, 4), "TIFF", compression="tiff_adobe_deflate"))
    damaged[3_000:3_050] = bytes(50)
    with pytest.raises(UnreadableImageError, match="damaged, or compressed in a way that is not supported"):
        decode_rgb(bytes(damaged))


def _with_tag(name, value):
    file = BytesIO(_tiff(RAMP / 47))
    with tifffile.TiffFile(file) as tiff:
        tiff.pages.first.tags[name].overwrite(value)
    return file.getvalue()


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (
            _tiff(np.zeros((6, 8, 5)), gray=True, planarconfig="contig"),
            "TIFF of 5 channels of float64, MINISBLACK, depth 1; expected gray",
        ),
        (_tiff(RAMP * 1j), "TIFF of 1 channels of complex128, MINISBLACK"),
        (_tiff(RAMP / 47, compression="zlib").replace(b"x\x9c", b"??").replace(b"x\xda", b"??"), "cannot be decoded"),
        (_with_tag("RowsPerStrip", 2), "1 strips or tiles, expected 3 for its size"),
        (_with_tag("ImageWidth", [8, 8, 8]), r"channels are \(\(8, 8, 8\), 6, 1, 1\), expected"),
        (_tiff(np.zeros((6, 8, 3), "f8"))[:100], "not a picture"),
    ],
    ids=["channels", "complex", "damaged", "strips", "size", "cut"],
)
def test_what_cannot_be_read_is_named(encoded, message):
    with pytest.raises(UnreadableImageError, match=message):
        decode_rgb(encoded)


def test_no_more_pixels_than_the_limit():
    with pytest.raises(UnreadableImageError, match="8 x 6 pixels, at most"):
        decode_rgb(_tiff(np.zeros((6, 8, 3), "f8")), most_pixels=40)
