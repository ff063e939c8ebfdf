import math

import numpy as np
import pytest

from scan_core.evaluation.confidence import certainty
from scan_core.evaluation.results import details, headline

LABELS = [0, 0, 1, 1, 2, 2]
PERFECT = [1, 1, 2, 2, 0, 0]
ONE_WRONG = [1, 1, 2, 2, 0, 1]


def test_headline_by_hand(make_results):
    results = make_results(
        LABELS,
        ONE_WRONG,
        PERFECT,
        cluster_count=3,
        baselines={"kmeans": [0, 0, 0, 0, 1, 1], "kmeans_pixels": [0] * 6},
        purity=[0.95, 0.912345],
    )
    assert headline(results) == {
        "acc": 1.0,
        "nmi": 1.0,
        "ari": 1.0,
        "scan_acc": 0.8333,
        "kmeans_acc": 0.6667,
        "purity": 0.9123,
        "clusters": 3,
        "self_label_epochs": 0,
    }


def test_details_hold_everything_else_once(make_results):
    results = make_results(LABELS, ONE_WRONG, PERFECT, cluster_count=3, baselines={"kmeans": LABELS}, purity=[0.5] * 12)
    found = details(results)
    assert found.keys().isdisjoint(headline(results))
    assert (found["images_evaluated"], found["images_labeled"]) == (6, 6)
    assert (found["acc_many_to_one"], found["ami"]) == (1, 1)
    assert found["scan_acc_many_to_one"] == 0.8333
    assert found["scan_selection_loss"] == -1.5
    assert "self_label_selection_loss" not in found  # None
    assert "top5" not in found  # three clusters
    assert found["kmeans_nmi"] == 1
    assert [name for name in found if name.startswith("purity")] == ["purity_at_1", "purity_at_5", "purity_at_10"]
    assert (found["confidence"], found["clusters_used"], found["entropy"]) == (0.9, 3, round(math.log(3), 4))
    assert isinstance(found["clusters_used"], int)


def test_top5_from_five_clusters(make_results):
    results = make_results(LABELS, PERFECT, PERFECT, cluster_count=5)
    assert details(results)["top5"] == 1


def test_without_labels_the_label_free_figures_remain(make_results):
    results = make_results([-1] * 6, ONE_WRONG, PERFECT, cluster_count=4, baselines={"kmeans": LABELS})
    assert headline(results) == {"confidence": 0.9, "clusters_used": 3, "clusters": 4, "self_label_epochs": 0}
    assert details(results).keys() == {
        "images_evaluated",
        "images_labeled",
        "clusters_mean_nothing",
        "entropy",
        "scan_confidence",
        "scan_entropy",
        "scan_clusters_used",
        "scan_selection_loss",
    }


def test_unlabeled_images_are_not_scored(make_results):
    labels = [0, 0, 1, 1, -1, -1]
    results = make_results(labels, PERFECT, PERFECT, cluster_count=3, baselines={"kmeans": [0, 0, 1, 1, 0, 1]})
    assert headline(results)["acc"] == headline(results)["kmeans_acc"] == 1
    assert details(results)["images_labeled"] == 4
    assert results.self_label.sizes.tolist() == [2, 2, 2]


def test_what_is_unknown_is_absent(make_results):
    results = make_results(LABELS, PERFECT, PERFECT, cluster_count=3, purity=[math.nan, 0.5])
    assert headline(results).keys() == {"acc", "nmi", "ari", "scan_acc", "purity", "clusters", "self_label_epochs"}
    assert "purity_at_1" not in details(results)
    assert "purity" not in headline(results._replace(purity=np.array([])))


def test_overclustering_matches_one_cluster_a_class(make_results):
    results = make_results([0, 0, 0, 1], [0, 0, 1, 2], [0, 0, 1, 2], cluster_count=4)
    assert headline(results)["acc"] == pytest.approx(0.75)
    assert details(results)["acc_many_to_one"] == 1


def test_twice_the_classes_by_hand(make_results):
    # Classes 0, 0, 0, 1, 1, 1 in clusters 0, 0, 1, 2, 3, 3 of four: one-to-one, 0 is class 0 and 3 is class 1, and the
    # images of 1 and 2 are nobody's: 4 of 6. Many-to-one, each cluster is pure. In the SCAN step one image of class 0
    # is in cluster 3, whose majority is class 1: then 3 and 5 of 6.
    labels, scan, final = [0, 0, 0, 1, 1, 1], [0, 3, 1, 2, 3, 3], [0, 0, 1, 2, 3, 3]
    results = make_results(labels, scan, final, cluster_count=4, baselines={"kmeans": [0, 0, 1, 1, 2, 3]})
    found = {**details(results), **headline(results)}
    assert len(headline(results)) <= 8
    assert (found["clusters"], found["classes"]) == (4, 2)
    assert (found["acc"], found["acc_many_to_one"]) == (0.6667, 1)
    assert (found["scan_acc"], found["scan_acc_many_to_one"]) == (0.5, 0.8333)
    # k-means: class 0 has cluster 0, class 1 one of the others: 3 of 6; cluster 1 halves, so 2 + 1 + 1 + 1 many-to-one.
    assert (found["kmeans_acc"], found["kmeans_acc_many_to_one"]) == (0.5, 0.8333)


def test_one_prediction_for_all_images_means_nothing(make_results):
    results = make_results(LABELS, ONE_WRONG, PERFECT, cluster_count=3)
    assert not results.meaningless
    # the shares of scan.prior, two of them equal: images fall into the two clusters, but by rounding
    alike = np.array([[0.41, 0.39, 0.2], [0.39, 0.41, 0.2]] * 3, dtype=np.float32)
    scan = results.scan._replace(probabilities=alike, certainty=certainty(alike))
    assert scan.certainty.clusters_used == 2
    assert results._replace(scan=scan).meaningless


def test_purity_at_its_own_k_and_the_last(make_results):
    results = make_results([0, 1], [0, 1], [0, 1], cluster_count=2, purity=[0.9, 0.8, 0.7, 0.6, 0.5])
    found = details(results)
    assert (found["purity_at_1"], found["purity_at_5"]) == (0.9, 0.5)


def test_one_cluster_for_all_means_nothing(make_results):
    results = make_results([0, 1], [0, 1], [0, 1], cluster_count=2)
    one = np.array([[0.99, 0.01], [0.51, 0.49]], dtype=np.float32)  # far from alike, but all in cluster 0
    assert results._replace(scan=results.scan._replace(probabilities=one, certainty=certainty(one))).meaningless
