import numpy as np

from scan_core.images.shrink import shrink


def test_shrink_averages_blocks():
    image = np.array([[[[0, 2, 8, 8], [2, 4, 8, 8], [1, 1, 0, 0], [1, 1, 0, 4]]]], dtype=np.uint8)
    assert shrink(image, largest=2).tolist() == [[[[2, 8], [1, 1]]]]


def test_shrink_leaves_out_an_incomplete_block():
    image = np.arange(25, dtype=np.uint8).reshape(1, 1, 5, 5)
    assert shrink(image, largest=4).tolist() == [[[[3, 5], [13, 15]]]]


def test_shrink_keeps_small_images():
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8), dtype=np.uint8)
    assert np.array_equal(shrink(images, largest=8), images)
