import numpy as np
import pytest

from scan_core.images.levels import Levels, Values, common_levels, is_clipped, is_faint, to_8_bits, values_of


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([], Levels()),
        ([None, None], Levels()),
        ([Values(3.0, 4000.0, True), Values(0.0, 90.0, True)], Levels(highest=4095)),
        ([Values(0.0, 200.0, True)], Levels(highest=255)),
        ([Values(0.0, 3.0, True)], Levels(highest=255)),  # two bits may be the darkest of eight
        ([Values(0.0, 40_000.0, True)], Levels()),
        ([Values(0.0, 70_000.0, True)], Levels(highest=2**17 - 1)),
        ([Values(1000.0, 1003.0, True)], Levels(highest=1023)),  # nearly constant, whatever the levels
        ([Values(-1000.0, 3000.0, True)], Levels(lowest=-1000, highest=3000)),
        # Of 2^15, an eighth are 4096: a narrower band has all levels, unless a picture reaches farther down.
        ([Values(29_500.0, 31_000.0, True), Values(30_000.0, 31_500.0, True)], Levels(lowest=29_500, highest=31_500)),
        ([Values(29_500.0, 31_500.0, True), Values(27_000.0, 27_100.0, True)], Levels(highest=2**15 - 1)),
        ([Values(3_000.0, 3_600.0, True), Values(40.0, 300.0, True)], Levels(highest=4095)),
        ([Values(200.0, 220.0, True)], Levels(highest=255)),  # 8 bits remain as they are
        ([Values(30_000.0, 30_000.0, True)], Levels(highest=2**15 - 1)),
        ([Values(0.0, 0.7, False)], Levels()),
        ([Values(0.0, 200.5, False)], Levels(highest_real=255.0)),
        ([Values(0.0, 0.02, False), Values(0.01, 0.03, False)], Levels(highest_real=1 / 32)),
        ([Values(0.0, 0.0, False)], Levels()),
        ([Values(0.95, 0.99, False)], Levels(lowest_real=0.95, highest_real=0.99)),  # an eighth are 0.125
        ([Values(0.75, 0.99, False)], Levels()),
        ([Values(-2.0, 5.0, False), Values(0.0, 9.0, False)], Levels(lowest_real=-2, highest_real=9)),
        # One bright image among ten does not take the levels of the others; one among nine is more than a tenth.
        ([Values(0.0, 4000.0, True)] * 9 + [Values(0.0, 65_535.0, True)], Levels(highest=4095)),
        ([Values(0.0, 4000.0, True)] * 8 + [Values(0.0, 65_535.0, True)], Levels()),
        ([Values(0.0, 9000.0, True)] * 20 + [Values(0.0, 65_535.0, True)], Levels()),  # 36 of 256 levels are left
        ([Values(0.0, 0.03, False)] * 9 + [Values(0.0, 0.9, False)], Levels(highest_real=1 / 32)),
        # Integers and real numbers are looked at apart.
        (
            [Values(0.0, 4000.0, True)] * 10 + [Values(0.0, 65_535.0, True)] + [Values(0.0, 200.0, False)] * 8,
            Levels(highest=4095, highest_real=255.0),
        ),
        # Clipped, these few would be nearly white all over; one that is flat stays within the levels.
        ([Values(0.0, 4000.0, True)] * 12 + [Values(4000.0, 65_000.0, True)], Levels()),
        (
            [Values(0.0, 4000.0, True)] * 12 + [Values(9.0, 65_000.0, True)] + [Values(5000.0, 5000.0, True)] * 9,
            Levels(highest=8191),
        ),
    ],
)
def test_common_levels(images, expected):
    assert common_levels(images) == expected


def test_to_8_bits_of_negative_integers():
    # -1000 to 3000 are 4001 values: 1000 is (2000 * 256) // 4001 = 127.
    pixels = np.array([[-1000, 1000, 3000, 9999]], np.int32)
    assert to_8_bits(pixels, Levels(lowest=-1000, highest=3000)).tolist() == [[0, 127, 255, 255]]


def test_a_narrow_band_far_from_0_has_all_levels():
    pixels = np.linspace(29_500, 31_500, 2_500).astype(np.uint16).reshape(50, 50)
    scaled = to_8_bits(pixels, common_levels([values_of(pixels)]))
    assert len(np.unique(scaled)) == 256
    assert (scaled[0, 0], scaled[-1, -1]) == (0, 255)


def test_to_8_bits_of_8_bits_changes_nothing():
    pixels = np.arange(256, dtype=np.int32)
    assert to_8_bits(pixels, Levels(highest=255)).tolist() == pixels.tolist()


def test_numbers_that_stand_for_no_value():
    pixels = np.array([-3.4e38, np.nan, np.inf, 0.25, 0.5], np.float32)
    assert values_of(pixels) == Values(0.25, 0.5, whole=False)
    assert to_8_bits(pixels, Levels(highest_real=0.5)).tolist() == [0, 0, 0, 128, 255]


@pytest.mark.parametrize("type", [np.uint16, np.float32])
def test_no_value_is_black_where_0_is_white(type):
    pixels = np.array([0, 7, 15], type)
    levels = Levels(highest=15, highest_real=15.0)
    assert to_8_bits(pixels, levels, no_data=7.0, white_is_0=True).tolist() == [255, 0, 15 if type == np.uint16 else 0]
    missing = np.array([np.nan, 15], np.float32)
    assert to_8_bits(missing, levels, white_is_0=True).tolist() == [0, 0]


def test_images_beyond_the_levels_are_clipped():
    assert is_clipped(Values(0.0, 5000.0, True), Levels(highest=4095))
    assert is_clipped(Values(-0.5, 0.5, False), Levels())
    assert not is_clipped(Values(0.0, 4095.0, True), Levels(highest=4095))


def test_hot_and_dead_pixels_say_nothing():
    pixels = np.arange(50_000, dtype=np.uint16).reshape(500, 100) % 4096
    pixels[0, :5] = 65_535
    values = values_of(pixels)
    assert common_levels([values]) == Levels(highest=4095)
    assert to_8_bits(pixels, common_levels([values]))[0, :6].tolist() == [255] * 5 + [0]
    depth = np.linspace(0.0, 1.0, 50_000, dtype=np.float32)
    depth[:3] = -9999
    assert common_levels([values_of(depth)]) == Levels()


def test_one_hot_pixel_of_a_small_image():
    pixels = np.arange(3_600, dtype=np.uint16).reshape(60, 60) % 4096
    pixels[30, 30] = 65_535
    assert common_levels([values_of(pixels)]) == Levels(highest=4095)
    assert values_of(pixels[:2, :10]) == Values(0.0, 69.0, whole=True)  # so few values all count


@pytest.mark.parametrize(
    ("values", "levels", "expected"),
    [
        (Values(200.0, 2_500.0, True), Levels(highest=2**15 - 1), True),  # 2300 of 2^15 values: 18 of 256 levels
        (Values(0.0, 4_095.0, True), Levels(), True),  # 16 levels
        (Values(0.0, 4_095.0, True), Levels(highest=2**14 - 1), False),  # 64 levels
        (Values(0.0, 30.0, True), Levels(), False),  # has no more than 31 values of its own
        (Values(0.0, 1.0, False), Levels(highest_real=255.0), True),  # 2 levels
        (Values(0.3, 0.3, False), Levels(), False),  # is of one color
        (Values(0.3, 0.5, False), Levels(), False),  # 52 levels
    ],
)
def test_images_that_common_levels_leave_faint(values, levels, expected):
    assert is_faint(values, levels) is expected
