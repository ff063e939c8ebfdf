import numpy as np
import pytest

from scan_core.prediction import novelty as module
from scan_core.prediction.novelty import Novelty


def at(*degrees: float) -> np.ndarray:
    """Points in the plane, of different lengths, which do not matter."""
    angle = np.deg2rad(degrees)
    return (np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.arange(1, len(angle) + 1)[:, None]).astype(np.float32)


def test_percentage_of_training_images_that_are_nearer_to_their_nearest():
    # Nearest others at 1, 1, 2 and 4 degrees.
    novelty = Novelty(at(0, 1, 3, 7))
    assert novelty.of(at(0, 0.5, 8.5, 10, 90)).tolist() == [0, 0, 50, 75, 100]


def test_no_picture():
    assert Novelty(at(0, 1)).of(np.empty((0, 2), np.float32)).shape == (0,)


def test_a_training_image_is_not_its_own_nearest():
    # All but the last have a twin; so the only distance above 0 is that of the last.
    novelty = Novelty(at(0, 0, 5, 5, 50))
    assert novelty.of(at(7)).tolist() == [80]


def test_parts_of_the_work_change_nothing(monkeypatch):
    generator = np.random.default_rng(0)
    reference, new = (generator.standard_normal((count, 5)).astype(np.float32) for count in (50, 20))
    whole = Novelty(reference).of(new)
    monkeypatch.setattr(module, "QUERIES", 7)
    assert Novelty(reference).of(new).tolist() == whole.tolist()
    assert whole.min() >= 0
    assert whole.max() <= 100


def test_a_feature_vector_of_zeros_is_far_from_all():
    assert Novelty(at(0, 1)).of(np.zeros((1, 2), np.float32)).tolist() == [pytest.approx(100)]
