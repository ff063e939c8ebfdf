import numpy as np

from scan_core.evaluation.results import Results, step_result
from scan_core.evaluation.truth import Truth
from scan_core.report.matrix import BLOCKS, cluster_sizes_chart, confusion_matrix
from tests.evaluated import predictions


def test_confusion_matrix_by_hand(make_results):
    # Class 0 is cluster 1, class 1 is cluster 0 for three of its four pictures; cluster 2 has the other one.
    results = make_results([0, 0, 1, 1, 1, 1, -1], [0] * 7, [1, 1, 0, 0, 0, 2, 2], cluster_count=3)
    matrix = confusion_matrix(results)
    assert (matrix.rows, matrix.columns, matrix.classes) == (2, 3, 2)
    assert matrix.cells == [(0, 0, 1.0), (1, 1, 0.75), (1, 2, 0.25)]
    assert matrix.column_names == ["class 0", "class 1", "cluster 2"]
    assert confusion_matrix(make_results([-1], [0], [0], cluster_count=2)) is None


def test_a_thousand_classes_are_drawn_in_blocks():
    clusters = np.arange(3000) % 1000
    step = step_result(
        predictions(clusters, cluster_count=1000), Truth(clusters, tuple("c" * 1000)), selection_loss=None
    )
    results = Results(Truth(clusters, tuple("c" * 1000)), step, step, {}, np.zeros(0))
    matrix = confusion_matrix(results)
    assert (matrix.rows, matrix.columns, matrix.block) == (BLOCKS, BLOCKS, 10)
    assert [cell[:2] for cell in matrix.cells] == [(i, i) for i in range(BLOCKS)]
    assert matrix.row_names == ()
    assert cluster_sizes_chart(results).sorted


def test_sizes_by_hand(make_results):
    # Two clusters on 300 units: bars of 146 with a gap of 4; the larger one, of three pictures, is 130 high.
    sizes = cluster_sizes_chart(make_results([0, 0, 1, 1], [0] * 4, [0, 0, 0, 1], cluster_count=2))
    assert sizes.all == "M2.00,130v-130.00h146.00V130zM152.00,130v-43.33h146.00V130z"
    assert sizes.right == "M2.00,130v-86.67h146.00V130zM152.00,130v-43.33h146.00V130z"
    assert (sizes.largest, sizes.sorted, sizes.clusters) == (3, False, 2)
    assert sizes.equal == 130 * (1 - 2 / 3)
