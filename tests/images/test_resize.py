import numpy as np
import pytest
from PIL import Image

from scan_core.images.resize import FILTERS, FITS
from tests.samples import noise


def _resize(pixels, size, fit="crop", interpolation="bilinear"):
    return np.asarray(FITS[fit](Image.fromarray(pixels), size, FILTERS[interpolation]))


@pytest.mark.parametrize("fit", FITS)
def test_resize_leaves_the_right_size_untouched(fit):
    pixels = noise(16, 16, 3)
    assert np.array_equal(_resize(pixels, 16, fit), pixels)


@pytest.mark.parametrize(("height", "width", "top", "left"), [(16, 21, 0, 2), (20, 16, 2, 0)])
def test_resize_only_crops_where_the_short_side_fits(height, width, top, left):
    pixels = noise(height, width, 3)
    assert np.array_equal(_resize(pixels, 16), pixels[top : top + 16, left : left + 16])


def test_resize_is_antialiased():
    # Halving widens the triangle to 2 pixels on each side: for the first output pixel, centered on 1.0, the pixels
    # at 0.5, 1.5, 2.5 weigh 3/4, 3/4, 1/4 (over 7/4): (3 * 0 + 3 * 70 + 1 * 140) / 7 = 50; the other one mirrored.
    pixels = np.tile(np.array([0, 70, 140, 210], np.uint8), (4, 1))
    assert _resize(pixels, 2).tolist() == [[50, 160], [50, 160]]


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    ("interpolation", "expected"),
    [
        # As above, at distances of 1/4, 1/4, 3/4, 5/4: the cubic (a = -1/2) weighs 0.867, 0.867, 0.227, -0.070 (over
        # 1.891), and sinc(t) sinc(t / 3) weighs 0.890, 0.890, 0.270, -0.133 (over 1.918).
        ("bicubic", [41, 169]),
        ("lanczos", [38, 172]),
    ],
)
def test_other_filters_are_sharper(interpolation, expected, fit):
    pixels = np.tile(np.array([0, 70, 140, 210], np.uint8), (4, 1))
    assert _resize(pixels, 2, fit, interpolation).tolist() == [expected] * 2


def test_resize_takes_the_middle():
    pixels = np.zeros((10, 50), np.uint8)
    pixels[:, 20:30] = 255
    small = _resize(pixels, 4)
    assert (small[:, 1:3] == 255).all()


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        ("crop", [[70, 140], [70, 140]]),
        # As above; then one row of the median of 50 and 160, below, for there is no margin above.
        ("pad", [[50, 160], [105, 105]]),
        ("stretch", [[50, 160], [50, 160]]),
    ],
)
def test_a_wide_picture_becomes_a_square(fit, expected):
    pixels = np.tile(np.array([0, 70, 140, 210], np.uint8), (2, 1))
    assert _resize(pixels, 2, fit).tolist() == expected


@pytest.mark.parametrize("tall", [True, False])
def test_each_bar_of_pad_continues_the_edge_that_it_adjoins(tall):
    pixels = np.full((6, 3, 3), [30, 60, 90], np.uint8)
    pixels[:, 1] = 255  # most of the object, and the edges that no bar adjoins
    pixels[[0, -1]] = 255
    pixels[:, 2] = [10, 20, 30]  # another ground on the other side
    pixels[2, 0] = 0  # a speck
    padded = _resize(pixels if tall else pixels.transpose(1, 0, 2), 6, "pad")
    padded = padded if tall else padded.transpose(1, 0, 2)
    assert (padded[:, 0] == [30, 60, 90]).all()
    assert np.array_equal(padded[:, 1:4], pixels)
    assert (padded[:, 4:] == [10, 20, 30]).all()


def test_a_margin_of_one_pixel_is_the_last_bar():
    pixels = np.array([[10, 20], [10, 20], [10, 20]], np.uint8)
    assert _resize(pixels, 3, "pad").tolist() == [[10, 20, 20]] * 3


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 10_000, 3), (10_000, 1, 3)])
def test_resize_of_one_pixel(shape, fit):
    assert (_resize(np.full(shape, 77, np.uint8), 32, fit) == 77).all()
