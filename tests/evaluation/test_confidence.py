import math

import numpy as np
import pytest

from scan_core.evaluation.confidence import certainty, cluster_sizes, confidence_curve


def test_certainty_by_hand():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.7, 0.3, 0.0]], dtype=np.float32)
    found = certainty(probabilities)
    assert found.confidence == pytest.approx(0.8)
    # The mean prediction is (0.8, 0.2, 0); 0 log 0 counts as 0.
    assert found.entropy == pytest.approx(-(0.8 * math.log(0.8) + 0.2 * math.log(0.2)))
    assert found.clusters_used == 1


def test_certainty_of_equal_clusters():
    found = certainty(np.eye(4, dtype=np.float32))
    assert found == pytest.approx((1, math.log(4), 4))


def test_cluster_sizes_count_empty_clusters():
    assert cluster_sizes(np.array([2, 0, 2]), cluster_count=4).tolist() == [1, 0, 2, 0]


def test_confidence_curve_by_hand():
    confidence = np.array([0.6, 0.9, 0.5, 0.8])
    correct = np.array([False, True, False, True])
    curve = confidence_curve(confidence, correct, bins=4)
    assert curve.threshold.tolist() == [0.9, 0.8, 0.6, 0.5]
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert curve.accuracy is not None
    assert curve.accuracy.tolist() == pytest.approx([1, 1, 2 / 3, 1 / 2])


def test_confidence_curve_accepts_ties_together():
    curve = confidence_curve(np.array([1.0, 1.0, 1.0, 0.5]), np.array([True, False, True, False]), bins=4)
    assert curve.threshold.tolist() == [1, 0.5]
    assert curve.coverage.tolist() == [0.75, 1]
    assert curve.accuracy is not None
    assert curve.accuracy.tolist() == pytest.approx([2 / 3, 1 / 2])


def test_confidence_curve_of_fewer_images_than_bins():
    curve = confidence_curve(np.array([0.3, 0.7]), None)
    assert curve.coverage.tolist() == [0.5, 1]
    assert curve.accuracy is None


def test_confidence_curve_rounds_shares_up():
    assert confidence_curve(np.array([0.9, 0.8, 0.6]), None, bins=2).coverage.tolist() == [2 / 3, 1]  # 1.5 and 3 images


def test_confidence_curve_has_twenty_points():
    assert len(confidence_curve(np.arange(40) / 40, None).coverage) == 20
