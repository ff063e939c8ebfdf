import numpy as np
import pytest

from scan_core.ingest.prepare import pixels_digest
from scan_core.ingest.statistics import combined_digest, duplicates, first_equal, normalization


def _digests(values):
    images = [np.full((1, 2, 2), value, np.uint8) for value in values]
    return np.array([np.frombuffer(pixels_digest(image), np.uint8) for image in images])


def test_normalization_equals_numpy():
    pixels = np.random.default_rng(0).integers(0, 256, (300, 3, 4, 4), dtype=np.uint8)
    wide = pixels.astype(np.int64)
    moments = np.stack([wide.sum((2, 3)), (wide**2).sum((2, 3))], axis=2)
    mean, std = normalization(moments, pixels=16)
    assert mean == pytest.approx((pixels / 255).mean((0, 2, 3)))
    assert std == pytest.approx((pixels / 255).std((0, 2, 3)))


def test_normalization_of_a_million_large_images_does_not_overflow():
    # 2^20 images of 2^18 pixels, half of them black, half white: N * sum of squares is about 2^91.
    white = [255 * 2**18, 255**2 * 2**18]
    moments = np.array([[[0, 0]], [white]]).repeat(2**19, axis=0)
    mean, std = normalization(moments, pixels=2**18)
    assert (mean, std) == ([pytest.approx(0.5)], [pytest.approx(0.5)])


def test_a_constant_channel_keeps_a_positive_spread():
    assert normalization(np.array([[[7 * 4, 49 * 4]]]), pixels=4) == ([pytest.approx(7 / 255)], [1 / 255])


def test_first_equal_among_some():
    digests = _digests([5, 6, 5, 6, 5])
    assert first_equal(digests, among=np.ones(5, bool)).tolist() == [0, 1, 0, 1, 0]
    assert first_equal(digests, among=np.array([False, True, True, True, True])).tolist() == [-1, 1, 2, 1, 2]


def test_duplicates_spare_the_first_of_those_considered():
    digests = _digests([5, 6, 5, 6, 5])
    assert duplicates(digests, among=np.ones(5, bool)).tolist() == [False, False, True, True, True]
    among = np.array([False, True, True, True, True])
    assert duplicates(digests, among=among).tolist() == [False, False, False, True, True]


def test_combined_digest_depends_on_the_order():
    digests = _digests([1, 2, 3])
    assert combined_digest(digests) == combined_digest(_digests([1, 2, 3]))
    assert combined_digest(digests) != combined_digest(digests[::-1].copy())
