import numpy as np

from scan_core.evaluation import csv_tables
from scan_core.evaluation.confusion import Confusion
from scan_core.evaluation.csv_tables import (
    assignment_table,
    cluster_table,
    confidence_table,
    confusion_table,
    csv,
    frequent_confusions,
    prediction_names,
    purity_table,
    step_curve,
)


def test_cluster_table_by_hand(make_results):
    results = make_results([0, 0, 1, -1], [0] * 4, [2, 2, 2, 1], cluster_count=4)
    # Of cluster 2's three labeled images two are of its class; cluster 1's image has no label; 0 and 3 are empty.
    rows = csv(cluster_table(results.self_label, results.truth)).splitlines()
    assert rows[0] == "cluster,class,images,share,confidence,accuracy"
    assert rows[3] == "2,class 0,3,0.7500,0.9000,0.6667"
    assert [row.split(",")[2:] for row in rows[1:3]] == [["0", "0.0000", "", ""], ["1", "0.2500", "0.9000", ""]]


def test_cluster_table_without_labels(make_results):
    results = make_results([-1, -1], [0, 0], [0, 1], cluster_count=2)
    assert csv(cluster_table(results.self_label, results.truth)).splitlines() == [
        "cluster,images,share,confidence",
        "0,1,0.5000,0.9000",
        "1,1,0.5000,0.9000",
    ]


def test_assignment_table_is_sorted_by_cluster_and_confidence():
    probabilities = np.array([[0.3, 0.2, 0.5], [0.1, 0.0, 0.9], [0.0, 0.7, 0.3], [0.4, 0.0, 0.6]], dtype=np.float32)
    names = ["cluster 0", "class 1", "class 0"]
    assert csv(assignment_table(probabilities, ["a", 'b, "c"', "d", "e"], names)).splitlines() == [
        "path,cluster,class,confidence",
        "d,1,class 1,0.7000",
        '"b, ""c""",2,class 0,0.9000',
        "e,2,class 0,0.6000",
        "a,2,class 0,0.5000",
    ]
    table = assignment_table(probabilities, ["a", "b", "c", "d"])
    assert table.columns.tolist() == ["path", "cluster", "confidence"]
    assert table["path"].tolist() == ["c", "b", "d", "a"]


def test_confusion_table_names_unmatched_clusters_and_skips_unlabeled_images(make_results):
    results = make_results([0, 0, 0, 1, -1], [0] * 5, [0, 0, 2, 1, 1], cluster_count=3)
    table = confusion_table(results.self_label, results.truth)
    assert table["actual"].tolist() == ["class 0"] * 3 + ["class 1"]
    assert table["predicted"].tolist() == ["class 0", "class 0", "cluster 2", "class 1"]


def test_confusion_table_is_thinned_evenly(make_results, monkeypatch):
    monkeypatch.setattr(csv_tables, "CONFUSION_LIMIT", 2)
    results = make_results([0, 0, 1, 1, 2], [0] * 5, [0, 0, 1, 1, 2], cluster_count=3)
    assert confusion_table(results.self_label, results.truth)["actual"].tolist() == ["class 0", "class 1"]


def test_confidence_table_covers_labeled_images(make_results):
    results = make_results([0, 1, -1], [0] * 3, [0, 1, 1], cluster_count=2)
    table = confidence_table(step_curve(results.self_label, results.truth))
    assert csv(table) == "coverage,threshold,accuracy\n1.0000,0.9000,1.0000\n"


def test_confidence_table_without_labels(make_results):
    results = make_results([-1, -1], [0, 0], [0, 1], cluster_count=2)
    table = confidence_table(step_curve(results.self_label, results.truth))
    assert csv(table) == "coverage,threshold,accuracy\n1.0000,0.9000,\n"


def test_purity_table():
    assert csv(purity_table(np.array([1, 0.5]))) == "k,purity\n1,1.0000\n2,0.5000\n"


def test_prediction_names_without_labels(make_results):
    truth = make_results([-1, -1], [0, 0], [0, 1], cluster_count=2).truth
    assert prediction_names(None, truth, cluster_count=2) == ["cluster 0", "cluster 1"]


def test_frequent_confusions_by_hand():
    # Class 0 is taken for class 1 once of 4 and for the unmatched cluster 7 twice; class 1 never for another.
    table = Confusion(np.array([[1, 1, 2], [0, 5, 0]]), np.array([7]))
    found = frequent_confusions(table, ["cat", "dog"])
    assert found.values.tolist() == [["cat", "cluster 7", 2, 0.5], ["cat", "dog", 1, 0.25]]


def test_frequent_confusions_are_limited(monkeypatch):
    monkeypatch.setattr(csv_tables, "FREQUENT", 1)
    assert frequent_confusions(Confusion(np.array([[1, 2], [1, 5]]), np.array([], dtype=np.int64)), ["a", "b"])[
        "images"
    ].tolist() == [2]


def test_assignment_table_goes_by_k_means_where_given():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]], dtype=np.float32)
    table = assignment_table(probabilities, ["a", "b", "c", "d"], kmeans=np.array([1, 0, 0, 1]))
    assert table["path"].tolist() == ["c", "b", "a", "d"]
    assert table["kmeans"].tolist() == [0, 0, 1, 1]
