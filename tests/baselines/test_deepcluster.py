import numpy as np
import pytest
import torch

from scan_core.baselines.deepcluster import equal_sample, whitened


def test_components_are_of_equal_weight_and_vectors_of_length_one():
    generator = np.random.default_rng(0)
    # Eight numbers, of which two vary, one ten times as much: a quarter of eight, two components, have both.
    features = np.zeros((400, 8), dtype=np.float32)
    features[:, 0], features[:, 1] = 10 * generator.normal(size=400), generator.normal(size=400)
    found = whitened(features, fit_ids=np.arange(200))
    assert found.shape == (400, 2)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.abs(found).mean(axis=0) == pytest.approx([2 / np.pi] * 2, rel=0.1)  # as of a circle's points


def test_a_large_pseudo_label_is_seen_as_often_as_a_small_one():
    labels = torch.tensor([0] * 900 + [1] * 100)
    sample = equal_sample(labels, torch.Generator().manual_seed(0))
    assert len(sample) == 1000
    assert int((labels[sample] == 1).sum()) == pytest.approx(500, abs=60)


def test_equal_images_are_no_error():
    assert np.isfinite(whitened(np.ones((20, 8), dtype=np.float32), fit_ids=np.arange(20))).all()
