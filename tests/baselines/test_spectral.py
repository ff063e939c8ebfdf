import numpy as np
import pytest

from scan_core.baselines.spectral import spectral
from scan_core.errors import DataError


def rings(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points on two rings, one within the other: k-means cuts both in two."""
    generator = np.random.default_rng(0)
    ring, angle = np.arange(count) % 2, generator.uniform(0, 2 * np.pi, count)
    points = (1 + 2 * ring)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (points + 0.05 * generator.normal(size=points.shape)).astype(np.float32), ring


@pytest.mark.parametrize("options", [{}, {"most": 150}])
def test_rings_are_told_apart_also_by_images_not_fitted_on(options: dict[str, int]):
    points, ring = rings(600)
    found = spectral(points, fit_ids=np.arange(400), clusters=2, seed=0, **options)
    assert found.dtype == np.int64
    assert np.array_equal(found == found[0], ring == ring[0])


def test_a_seed_repeats_itself():
    points, _ = rings(600)
    first, again = (spectral(points, fit_ids=np.arange(600), clusters=5, seed=3, most=200) for _ in range(2))
    assert np.array_equal(first, again)


def test_few_images_and_equal_ones_are_no_error():
    assert len(spectral(np.eye(4, dtype=np.float32), fit_ids=np.arange(4), clusters=3, seed=0)) == 4
    assert len(spectral(np.ones((30, 2), dtype=np.float32), fit_ids=np.arange(30), clusters=3, seed=0)) == 30


def test_more_images_than_clusters_are_needed():
    with pytest.raises(DataError, match=r"^spectral: 3 training images, expected more than 3; lower scan\.clusters$"):
        spectral(np.zeros((9, 2), dtype=np.float32), fit_ids=np.arange(3), clusters=3, seed=0)
