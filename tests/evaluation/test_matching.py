from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scan_core.evaluation.matching import UNMATCHED, contingency, majority, one_to_one


def test_contingency_counts_pairs():
    table = contingency(np.array([0, 0, 1, 1]), np.array([2, 2, 0, 1]), cluster_count=3, class_count=3)
    assert table.tolist() == [[0, 0, 2], [1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(("clusters", "labels"), [([0, 3], [0, 0]), ([0, 0], [0, 2]), ([0, 0], [-1, 0])])
def test_contingency_refuses_what_it_cannot_count(clusters: list[int], labels: list[int]):
    with pytest.raises(ValueError, match="expected 0 to"):
        contingency(np.array(clusters), np.array(labels), cluster_count=3, class_count=2)


def test_one_to_one_takes_the_best_total_not_the_best_row():
    # Greedy would give cluster 0 its 5 and leave 0 to cluster 1; 4 + 4 is better.
    assert one_to_one(np.array([[5, 4], [4, 0]])).tolist() == [1, 0]


def test_one_to_one_leaves_surplus_clusters_unmatched():
    assert one_to_one(np.array([[9, 0], [8, 0], [0, 1]])).tolist() == [0, UNMATCHED, 1]


def test_one_to_one_leaves_surplus_classes_without_a_cluster():
    assert one_to_one(np.array([[1, 0, 3], [2, 0, 9]])).tolist() == [0, 2]


def test_majority_lets_clusters_share_a_class():
    # The third cluster ties, so the lower class; the fourth is empty.
    assert majority(np.array([[9, 0], [8, 1], [2, 2], [0, 0]])).tolist() == [0, 0, 0, UNMATCHED]


@settings(max_examples=60, deadline=None)
@given(arrays(np.int64, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.integers(0, 9)))
def test_one_to_one_equals_brute_force(table: np.ndarray):
    mapping = one_to_one(table)
    matched = np.flatnonzero(mapping != UNMATCHED)
    assert len(matched) == min(table.shape)
    assert len(set(mapping[matched])) == len(matched)
    wide = table if table.shape[0] <= table.shape[1] else table.T
    best = max(sum(wide[i, j] for i, j in enumerate(order)) for order in permutations(range(wide.shape[1]), len(wide)))
    assert table[matched, mapping[matched]].sum() == best
