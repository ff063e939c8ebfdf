import numpy as np
import pytest
import torch

from scan_core.encoders.unit_vectors import normalize_features
from scan_core.errors import TrainingError


def test_unit_vectors_times_their_lengths_are_the_features():
    features = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    found = normalize_features(features, center_of=None)
    assert found.unit.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 1]]
    assert np.allclose(found.norm, [5, 2])


def test_centered_the_directions_are_those_from_the_mean():
    # the mean is (2, 1): what is left is (1, 3), (-1, -1), (0, -2)
    found = normalize_features(torch.tensor([[3.0, 4.0], [1.0, 0.0], [2.0, -1.0]]), center_of=np.arange(3))
    assert np.allclose(found.norm, np.sqrt([10, 2, 4]))
    assert np.allclose(found.unit * found.norm[:, None], [[1, 3], [-1, -1], [0, -2]])


def test_the_mean_is_that_of_the_training_images():
    features = torch.tensor([[3.0, 4.0], [1.0, 0.0], [2.0, -1.0], [1e6, -1e6]])  # the last is for evaluation alone
    alone = normalize_features(features[:3], center_of=np.arange(3))
    found = normalize_features(features, center_of=np.arange(3))
    assert np.array_equal(found.unit[:3], alone.unit)
    assert np.array_equal(found.norm[:3], alone.norm)
    assert np.allclose(found.unit[3], np.sqrt(0.5) * np.array([1, -1]), atol=1e-5)


def test_centered_equal_embeddings_are_an_error():
    with pytest.raises(TrainingError, match="2 of 2 embeddings"):
        normalize_features(torch.tensor([[3.0, 4.0], [3.0, 4.0]]), center_of=np.arange(2))


@pytest.mark.parametrize("bad", [0.0, float("nan"), float("inf")])
def test_an_embedding_without_direction_is_an_error(bad: float):
    with pytest.raises(TrainingError, match=r"1 of 2 embeddings .* image 1"):
        normalize_features(torch.tensor([[3.0, 4.0], [bad, bad]]), center_of=None)
