from pathlib import Path

import numpy as np
import pytest
import torch

from scan_core.artifacts.model import write_model
from scan_core.artifacts.standardization import read_standardization, write_standardization
from scan_core.encoders.standardization import LEAST_SCALE, fit_standardization
from scan_core.errors import ArtifactError


def test_by_hand():
    features = np.array([[1.0, 10, 7], [3, 30, 7], [99, 99, 99]], np.float32)
    found = fit_standardization(features, fit_ids=np.array([0, 1]))
    # Means 2, 20, 7; deviations 1, 10, 0, of which the last is raised to a thousandth of the largest.
    assert found.center.tolist() == [2, 20, 7]
    assert found.scale.tolist() == pytest.approx([1, 10, 10 * LEAST_SCALE])
    assert found(torch.tensor([[3.0, 0, 7]])).tolist() == [[1, -2, 0]]


def test_features_that_are_all_alike_stay_finite():
    found = fit_standardization(np.ones((4, 2), np.float32), fit_ids=np.arange(4))
    assert found(torch.ones(4, 2)).eq(0).all()


def test_there_and_back(tmp_path: Path):
    path = tmp_path / "standardization.safetensors"
    fitted = fit_standardization(np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32), fit_ids=np.arange(9))
    write_standardization(path, fitted, encoder_sha256="a" * 64, features_sha256="c" * 64)
    read = read_standardization(path, encoder_sha256="a" * 64)
    assert all(torch.equal(value, read.state_dict()[name]) for name, value in fitted.state_dict().items())
    with pytest.raises(ArtifactError, match="encoder with the SHA-256 aaaaaaaaaaaa, expected bbbbbbbbbbbb"):
        read_standardization(path, encoder_sha256="b" * 64)
    write_model(path, {"center": torch.ones(3)}, {"encoder_sha256": "a" * 64})
    with pytest.raises(ArtifactError, match=r"does not fit the model: missing \['scale'\]"):
        read_standardization(path, encoder_sha256="a" * 64)
