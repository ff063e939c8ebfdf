from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from scan_core.images.formats import UnreadableImageError
from scan_core.images.preparation import Preparation
from scan_core.ingest.prepare import prepare
from tests.samples import encode, noise


def test_pixels_size_and_moments():
    picture = noise(6, 9, 3)
    image = prepare(encode(picture), Preparation(6, "crop"), encode=False)
    assert np.array_equal(image.pixels, picture[:, 1:7].transpose(2, 0, 1))  # the middle of 9 columns, left one smaller
    assert image.original_size == (9, 6)
    assert image.moments.tolist() == [[c.sum(), (c**2).sum()] for c in image.pixels.astype(int)]
    assert image.encoded == b""


def test_equal_pixels_have_equal_digests_whatever_their_file():
    picture = noise(8, 8, 3)
    png, bmp = (prepare(encode(picture, kind), Preparation(8, "crop"), encode=False) for kind in ("PNG", "BMP"))
    assert png.digest == bmp.digest
    assert png.digest != prepare(encode(noise(8, 8, 3, seed=1)), Preparation(8, "crop"), encode=False).digest


def test_a_small_jpeg_is_kept_as_it_is():
    jpeg = encode(noise(16, 16, 3), "JPEG")
    assert len(jpeg) <= 3 * 24 * 24
    assert prepare(jpeg, Preparation(24, "crop"), encode=True).encoded == jpeg


def test_a_jpeg_that_is_to_be_rotated_is_not_kept():
    exif = Image.Exif()
    exif[274] = 6
    rotated = encode(noise(16, 20, 3), "JPEG", exif=exif)
    image = prepare(rotated, Preparation(24, "crop"), encode=True)
    assert image.original_size == (16, 20)
    assert image.encoded.startswith(b"\x89PNG")


@pytest.mark.parametrize("stored", [encode(noise(64, 64, 3), "JPEG"), encode(noise(9, 7, 3)), noise(1, 8, 8)])
def test_everything_else_becomes_a_png_of_the_pixels(stored):
    image = prepare(stored, Preparation(8, "crop"), encode=True)
    with Image.open(BytesIO(image.encoded)) as decoded:
        assert decoded.format == "PNG"
        assert np.array_equal(np.atleast_3d(np.asarray(decoded)).transpose(2, 0, 1), image.pixels)


def test_missing_and_unreadable(tmp_path):
    with pytest.raises(UnreadableImageError, match="no image bytes"):
        prepare(None, Preparation(8, "crop"), encode=False)
    with pytest.raises(UnreadableImageError, match=r"cannot be read \(No such file"):
        prepare(tmp_path / "gone.png", Preparation(8, "crop"), encode=False)
