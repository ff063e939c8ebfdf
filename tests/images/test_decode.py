import sys
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from scan_core.images.decode import decode_rgb
from scan_core.images.formats import UnreadableImageError, is_picture
from tests.samples import HEIC, encode, noise, png


def _pixels(encoded):
    image = decode_rgb(encoded).image
    assert image.mode == "RGB"
    return np.asarray(image)


def _saved(image, kind="PNG", **options):
    file = BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_decode_lossless_formats(kind, options):
    pixels = noise(6, 7, 3)
    assert np.array_equal(_pixels(encode(pixels, kind, **options)), pixels)


def test_decode_jpeg_within_its_loss():
    pixels = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    assert abs(_pixels(encode(pixels, "JPEG")).astype(int) - (200, 100, 50)).max() <= 2


def test_decode_jpeg_reduced_to_no_less_than_asked_for():
    smooth = np.asarray(Image.fromarray(noise(4, 6, 3)).resize((300, 200), Image.Resampling.BICUBIC))
    jpeg = encode(smooth, "JPEG", quality=95)
    for at_least, width, height in ((101, 300, 200), (100, 150, 100), (26, 75, 50), (None, 300, 200)):
        decoded = decode_rgb(jpeg, at_least=at_least)
        assert (decoded.image.size, decoded.original_size) == ((width, height), (300, 200))
    blocks = smooth.reshape(50, 4, 75, 4, 3).mean((1, 3))
    assert np.abs(np.asarray(decode_rgb(jpeg, at_least=26).image) - blocks).max() < 6


def test_decode_measures_upright():
    exif = Image.Exif()
    exif[274] = 6
    jpeg = _saved(Image.fromarray(noise(64, 96, 3)), "JPEG", exif=exif)
    decoded = decode_rgb(jpeg, at_least=32)
    assert (decoded.image.size, decoded.original_size) == ((32, 48), (64, 96))


def test_decode_gray_and_bilevel():
    gray = noise(6, 7)
    assert np.array_equal(_pixels(encode(gray)), np.stack([gray] * 3, axis=-1))
    bilevel = Image.fromarray(gray).convert("1")
    assert set(np.unique(_pixels(_saved(bilevel)))) == {0, 255}


def test_decode_palette():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    assert _pixels(_saved(image)).tolist() == [[[10, 20, 30], [40, 50, 60]]]


def test_decode_transparent_palette_on_white():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    assert _pixels(_saved(image, transparency=0)).tolist() == [[[255, 255, 255], [40, 50, 60]]]


def test_decode_alpha_on_white():
    # Opaque, half transparent (128 / 255) and invisible black on white: 0, 255 - 128 = 127, 255.
    pixels = np.array([[[0, 0, 0, 255], [0, 0, 0, 128], [0, 0, 0, 0]]], np.uint8)
    assert _pixels(encode(pixels))[0, :, 0].tolist() == [0, 127, 255]


def test_decode_gray_with_alpha():
    # Half transparent (128 / 255) 90 on white: 90 * 128 / 255 + 255 * 127 / 255 = 172.2.
    image = Image.merge("LA", [Image.new("L", (1, 1), 90), Image.new("L", (1, 1), 128)])
    assert _pixels(_saved(image)).tolist() == [[[172, 172, 172]]]


@pytest.mark.parametrize("colors", [3, 1], ids=["RGB", "gray"])
def test_decode_without_an_alpha_that_hides_all(colors):
    pixels = noise(4, 6, colors)
    assert np.array_equal(_pixels(encode(np.dstack([pixels, pixels[..., :1] * 0]))), pixels.repeat(3 // colors, axis=2))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_decode_cmyk(kind):
    # No ink but full cyan: (255 - 255, 255, 255).
    image = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    assert abs(_pixels(_saved(image, kind)).astype(int) - (0, 255, 255)).max() <= 2


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, -1), (8, 1)])
def test_decode_applies_exif_rotation(orientation, turns):
    # EXIF: 3 is upside down, 6 needs a quarter turn clockwise, 8 counterclockwise; rot90 turns counterclockwise.
    pixels = noise(4, 6, 3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(_pixels(encode(pixels, "PNG", exif=exif)), np.rot90(pixels, turns))


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, -1), (8, 1)])
def test_decode_applies_the_rotation_of_a_tiff_once(orientation, turns, compression, deep):
    pixels = noise(4, 6, 3).astype(np.uint16 if deep else np.uint8)
    file = BytesIO()
    tag = (274, "H", 1, orientation, True)
    tifffile.imwrite(file, pixels * (257 if deep else 1), photometric="rgb", compression=compression, extratags=[tag])
    decoded = decode_rgb(file.getvalue())
    assert np.array_equal(np.asarray(decoded.image), np.rot90(pixels, turns))
    assert decoded.original_size == decoded.image.size


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("exif", [b"Exif\0\0MM\0*garbage", b"Exif\0\0no TIFF header"])
def test_decode_survives_damaged_exif(exif):
    pixels = noise(4, 6, 3)
    assert np.array_equal(_pixels(encode(pixels, "PNG", exif=exif)), pixels)


def test_decode_first_frame():
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    encoded = _saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (_pixels(encoded) == (255, 0, 0)).all()


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"Dear diary,\n", "not a picture in one of the formats JPEG"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "Git LFS pointer, .* git lfs pull"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>\n<html></html>", "a web page, not a picture; download it again"),
        (b"<HTML><body>404</body></HTML>", "a web page"),
        (encode(noise(64, 64, 3), "JPEG")[:1500], "truncated"),
        (encode(noise(64, 64, 3), "PNG")[:1500], "cannot be decoded"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    ],
)
def test_decode_damaged(encoded, reason):
    with pytest.raises(UnreadableImageError, match=reason) as error:
        decode_rgb(encoded)
    assert " at 0x" not in str(error.value)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_decode_png_with_a_changed_byte(dtype):
    ramp = np.add.outer(np.arange(64), np.arange(64)).astype(dtype)
    encoded = _saved(Image.fromarray(ramp), "PNG")
    assert decode_rgb(encoded).image.size == (64, 64)
    for at in range(encoded.index(b"IDAT") + 4, encoded.index(b"IEND") - 4):
        damaged = bytearray(encoded)
        damaged[at] ^= 1
        with pytest.raises(UnreadableImageError, match="cannot be decoded"):
            decode_rgb(bytes(damaged))


def test_decode_gray_multiplied_by_its_opacity():
    file = BytesIO()
    pixels = np.array([[[100, 255], [50, 128]]], np.uint8)
    tifffile.imwrite(file, pixels, photometric="minisblack", extrasamples=["assocalpha"])
    assert _pixels(file.getvalue())[0, :, 0].tolist() == [100, 177]  # the second is 100, half of it on white


def test_decode_a_jpeg_file_that_pillow_does_not_know():
    with pytest.raises(UnreadableImageError, match=r"^a JPEG file that is damaged, lossless or of 12 bits; convert it"):
        decode_rgb(b"\xff\xd8\xff\xc3" + bytes(40))


def test_decode_refuses_a_bomb():
    with pytest.raises(UnreadableImageError, match="30000 x 30000 pixels, at most 300 million are decoded"):
        decode_rgb(png(30_000, 30_000, depth=8, rows=b"\0" * 1000))


def test_decode_refuses_more_than_the_limit():
    with pytest.raises(UnreadableImageError, match=r"7 x 6 pixels, at most .* million are decoded"):
        decode_rgb(encode(noise(6, 7, 3)), most_pixels=41)
    assert decode_rgb(encode(noise(6, 7, 3)), most_pixels=42).original_size == (7, 6)


def test_decode_more_megapixels_than_pillow_lets_pass(recwarn):
    file = BytesIO()
    Image.new("L", (12_000, 9_000), 70).save(file, format="JPEG", quality=30)
    image = decode_rgb(file.getvalue(), at_least=100).image
    assert image.size == (1500, 1125)
    assert not recwarn.list


def test_decode_png_with_much_metadata():
    pixels, text = noise(6, 7, 3), PngImagePlugin.PngInfo()
    text.add_text("recording", "a" * 2**21, zip=True)
    assert np.array_equal(_pixels(_saved(Image.fromarray(pixels), pnginfo=text)), pixels)


def test_decode_white_on_transparent_is_laid_on_black():
    # White strokes in an invisible field: on white nothing would be left of them.
    pixels = np.full((4, 4, 4), 255, np.uint8)
    pixels[:, 1:, 3] = 0
    assert _pixels(encode(pixels))[0, :, 0].tolist() == [255, 0, 0, 0]


def test_decode_white_with_a_soft_shadow_is_laid_on_black():
    # The shadow is hardly visible: 4 pixels of 255 and 12 of 0 at an opacity of 4 / 255 are as bright as 242.
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:, 0], pixels[:, 1:, 3] = 255, 4
    assert _pixels(encode(pixels))[0, :, 0].tolist() == [255, 0, 0, 0]


def test_decode_says_that_more_frames_follow():
    frames = [Image.new("L", (4, 4), level) for level in (0, 255)]
    for kind in ("GIF", "TIFF"):
        assert decode_rgb(_saved(frames[0], kind, save_all=True, append_images=frames[1:])).animated
        assert not decode_rgb(_saved(frames[0], kind)).animated
    assert not decode_rgb(_saved(frames[0], "MPO", save_all=True, append_images=frames[1:])).animated


def test_decode_heic():
    decoded = decode_rgb(HEIC)
    assert (decoded.image.mode, decoded.original_size, decoded.animated) == ("RGB", (32, 16), False)
    pixels = np.asarray(decoded.image).astype(int)
    assert abs(pixels[:, :12] - (200, 30, 40)).max() < 20
    assert abs(pixels[:, 20:] - (20, 60, 220)).max() < 20
    with pytest.raises(UnreadableImageError, match="32 x 16 pixels, at most"):
        decode_rgb(HEIC, most_pixels=500)
    with pytest.raises(UnreadableImageError, match="cannot be decoded"):
        decode_rgb(HEIC[:100])


@pytest.mark.parametrize("brand", ["heic", "heix", "heim", "heis", "hevc", "hevm", "mif1"])
def test_decode_heic_names_the_package_where_it_is_missing(brand, monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(UnreadableImageError, match="HEIC, which the optional package pi-heif decodes: install it"):
        decode_rgb(HEIC.replace(b"ftypheic", b"ftyp" + brand.encode(), 1))


def test_decoding_leaves_pillow_as_it_is_for_others():
    decode_rgb(HEIC)
    decode_rgb(encode(noise(6, 7, 3)))
    assert Image.MAX_IMAGE_PIXELS is not None
    assert "HEIF" not in Image.OPEN


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encode(noise(4, 4, 3), "JPEG"), True),
        (encode(noise(4, 4, 3), "PPM"), True),
        (encode(noise(4, 4, 3), "AVIF"), True),
        (HEIC, True),
        (encode(noise(4, 4, 3), "TIFF"), False),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", False),
        (b"BM and other words", False),
        (b"", False),
    ],
)
def test_is_picture_by_content(content, expected, tmp_path):
    (tmp_path / "x.txt").write_bytes(content)
    assert is_picture(tmp_path / "x.txt") is expected
