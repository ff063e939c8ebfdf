import numpy as np
import pytest

from scan_core.evaluation.confusion import confusion, normalize_rows
from scan_core.evaluation.matching import UNMATCHED


def test_confusion_has_a_column_for_each_unmatched_cluster():
    clusters = np.array([2, 2, 0, 0, 1, 3])
    labels = np.array([0, 1, 1, 1, 1, 0])
    found = confusion(clusters, labels, np.array([1, UNMATCHED, 0, UNMATCHED]), class_count=2)
    assert found.counts.tolist() == [[1, 0, 0, 1], [1, 2, 1, 0]]
    assert found.unmatched.tolist() == [1, 3]


def test_confusion_with_fewer_clusters_leaves_columns_empty():
    found = confusion(np.array([0, 1, 1]), np.array([2, 0, 1]), np.array([2, 0]), class_count=3)
    assert found.counts.tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert len(found.unmatched) == 0


def test_normalize_rows_weighs_rare_classes_as_common_ones():
    # By columns the rare class 1 would read 9 % instead of 90 %.
    shares = normalize_rows(np.array([[900, 100], [1, 9], [0, 0]]))
    assert shares == pytest.approx(np.array([[0.9, 0.1], [0.1, 0.9], [0, 0]]))
