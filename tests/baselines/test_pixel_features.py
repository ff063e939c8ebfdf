import numpy as np
import pytest
import torch

from scan_core.baselines.pixel_features import pixel_features
from scan_core.images.images import ResidentImages


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _features(images: np.ndarray, **options: object) -> np.ndarray:
    return pixel_features(ResidentImages(images, torch.device("cpu")), **options)


def test_few_pixels_are_kept():
    images = _noise(100, 1, 8, 8)
    features = _features(images, fit_ids=np.arange(100))
    assert features == pytest.approx(images.reshape(100, 64) / 255)


def test_components_keep_distances_that_they_can_express():
    # Each image is a mixture of 5 pictures, so that 5 components lose nothing but rounding to whole levels.
    generator = np.random.default_rng(0)
    mixture = generator.random((200, 5)) / 5 @ generator.integers(0, 256, (5, 3 * 16 * 16))
    images = mixture.astype(np.uint8).reshape(200, 3, 16, 16)
    features = _features(images, fit_ids=np.arange(0, 200, 2), components=5, fit_limit=60)
    assert features.shape == (200, 5)
    assert features.dtype == np.float32
    flat = images.reshape(200, -1) / 255
    exact, found = (np.linalg.norm(values[:100] - values[100:], axis=1) for values in (flat, features))
    assert found == pytest.approx(exact, rel=0.02)


def test_large_images_are_shrunk_and_chunks_joined():
    images = _noise(5000, 1, 34, 34)
    features = _features(images, fit_ids=np.arange(300))
    assert features.shape == (5000, 64)
    assert np.array_equal(features, _features(images, fit_ids=np.arange(300)))
