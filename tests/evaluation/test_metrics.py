import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan_core.evaluation.matching import UNMATCHED
from scan_core.evaluation.metrics import accuracy, score, top_k_accuracy


def test_accuracy_counts_an_unmatched_cluster_as_wrong():
    # Cluster 1 is unmatched: its image of class 0 is wrong, although nothing else was predicted for it.
    assert accuracy(np.array([0, 1, 2, 2]), np.array([0, 0, 1, 0]), np.array([0, UNMATCHED, 1])) == 0.5


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(5)))
def test_perfect_clusters_score_1_under_any_numbering(order: list[int]):
    labels = np.repeat(np.arange(5), 3)
    clusters = np.array(order)[labels]
    scores = score(
        clusters, labels, cluster_count=5, class_count=5, probabilities=np.eye(5, dtype=np.float32)[clusters]
    )
    assert scores == pytest.approx((1, 1, 1, 1, 1, 1))


def test_scores_by_hand():
    # Both clusters halve class 1 of 2, 2 images: table [[2, 1], [0, 1]] / 4.
    # H(labels) = log 2; H(clusters) = -(3/4 log 3/4 + 1/4 log 1/4); I = sum p log(p / (row * column)).
    scores = score(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), cluster_count=2, class_count=2)
    information = 0.5 * math.log(0.5 / (0.75 * 0.5)) + 0.25 * (math.log(0.25 / (0.75 * 0.5)) + math.log(2))
    entropies = math.log(2), -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert scores.acc == 0.75
    assert scores.nmi == pytest.approx(information / (sum(entropies) / 2))
    # Pairs together in both: 1; together in clusters 3, in labels 2, of 6: (1 - 3*2/6) / ((3 + 2)/2 - 1) = 0.
    assert scores.ari == pytest.approx(0)


def test_overclustering_is_scored_many_to_one():
    labels = np.repeat([0, 1], 4)
    clusters = np.array([0, 0, 0, 1, 2, 2, 3, 3])
    scores = score(clusters, labels, cluster_count=4, class_count=2)
    assert scores.acc == (3 + 2) / 8
    assert scores.acc_many_to_one == 1


def test_fewer_clusters_than_classes():
    scores = score(np.array([0, 0, 1, 1]), np.array([0, 1, 2, 2]), cluster_count=2, class_count=3)
    assert scores.acc == scores.acc_many_to_one == 0.75


def test_one_cluster_for_all_has_no_information():
    scores = score(np.zeros(4, dtype=np.int64), np.array([0, 0, 0, 1]), cluster_count=2, class_count=2)
    assert scores.acc == 0.75
    assert (scores.nmi, scores.ari, scores.ami) == pytest.approx((0, 0, 0))


@pytest.mark.parametrize(("clusters", "known"), [(4, False), (5, True)])
def test_top5_needs_five_clusters(clusters: int, known: bool):
    probabilities = np.full((2, clusters), 1 / clusters, dtype=np.float32)
    labels = np.array([0, 1])
    scores = score(np.array([0, 1]), labels, cluster_count=clusters, class_count=2, probabilities=probabilities)
    assert (scores.top5 is not None) == known


def test_top_k_by_hand():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.2, 0.4, 0.4]], dtype=np.float32)
    mapping = np.array([UNMATCHED, 1, 0])
    # Row 0: clusters 0, 1 -> nothing, 1: right. Row 1: label 0 is third: wrong. Row 2: clusters 1, 2 -> 1, 0: right.
    labels = np.array([1, 0, 0])
    assert top_k_accuracy(probabilities, labels, mapping, k=2) == pytest.approx(2 / 3)
    # A tie goes to the lower cluster, as in argmax: row 2 is then class 1.
    assert top_k_accuracy(probabilities[2:], np.array([1]), mapping, k=1) == 1


def test_ami_is_adjusted_for_chance():
    # Clusters of 3 and 1, classes of 2 and 2: any arrangement has the same table up to the classes' order, so the
    # information is that expected by chance.
    scores = score(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), cluster_count=2, class_count=2)
    assert scores.ami == pytest.approx(0, abs=1e-6)
