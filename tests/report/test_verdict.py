import numpy as np
import pytest

from scan_core.evaluation.results import Results
from scan_core.report.verdict import verdict
from scan_core.training.chance import Usage

TRUE = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]


def _level(results: Results, kmeans: list[int] | None = None) -> str:
    return verdict(results, np.array(kmeans or TRUE)).level


@pytest.mark.parametrize(
    ("clusters", "level"),
    [
        (TRUE, "good"),
        ([0, 0, 0, 0, 1, 0, 1, 1, 1, 1], "good"),  # 8 of 10
        ([0, 0, 0, 1, 1, 0, 1, 1, 1, 1], "care"),  # 7 of 10; ARI above chance
        ([0, 1, 0, 1, 0, 0, 1, 0, 1, 0], "failed"),  # as many of each class in both clusters
    ],
)
def test_level_by_the_labels(make_results, clusters: list[int], level: str):
    assert _level(make_results(TRUE, TRUE, clusters, cluster_count=2)) == level


def test_pictures_of_one_class_say_nothing_about_chance(make_results):
    trained = Usage(clusters_used=2, largest_cluster=0.5, entropy=0.69, information=0.6)
    results = make_results([0] * 10, [0] * 10, [0] * 9 + [1], cluster_count=2, in_training=trained)
    assert results.self_label.scores.ari == 0
    assert _level(results) == "good"


def test_worse_than_kmeans_is_not_worth_using(make_results):
    nearly = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    found = verdict(make_results(TRUE, TRUE, nearly, cluster_count=2, baselines={"kmeans": TRUE}), np.array(TRUE))
    assert found.level == "care"
    assert "90% of the labeled pictures" in found.reasons[0]
    assert "with k-means on the embeddings, 100%" in found.reasons[0]


def test_the_best_kmeans_is_the_one_to_beat(make_results):
    nearly = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    half = [0, 1] * 5
    baselines = {"kmeans": half, "kmeans_raw": half, "kmeans_pixels": TRUE, "dec": TRUE}
    found = verdict(make_results(TRUE, TRUE, nearly, cluster_count=2, baselines=baselines), np.array(half))
    assert found.title == "Use with care: k-means on the pixels is better"
    assert "with k-means on the pixels, 100%" in found.reasons[0]


def test_as_good_as_kmeans_is_worth_using(make_results):
    labels = [0] * 50 + [1] * 50
    nearly = [0] * 49 + [1] * 51  # one of a hundred is wrong
    results = make_results(labels, labels, nearly, cluster_count=2, baselines={"kmeans": labels})
    assert verdict(results, np.array(labels)).level == "good"


def test_more_clusters_than_classes_count_by_majority(make_results):
    found = verdict(make_results(TRUE, TRUE, [0, 0, 0, 2, 2, 1, 1, 1, 3, 3], cluster_count=4), np.array(TRUE))
    assert found.level == "good"
    assert "100% of the labeled pictures are of their cluster's majority class" in found.reasons[0]
    # The three of cluster 0 and the three of cluster 1 are their classes'; clusters 2 and 3 are nobody's.
    assert "Matched one-to-one, 60% are: 2 clusters without a class count as wrong." in found.reasons[1]


def test_without_labels_care_is_the_best(make_results):
    # k-means numbers the clusters otherwise, and puts one of ten elsewhere.
    kmeans = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    found = verdict(make_results([-1] * 10, TRUE, TRUE, cluster_count=2), np.array(kmeans))
    assert found.level == "care"
    assert "puts 90% of the pictures into the same clusters" in found.reasons[1]


def test_one_cluster_for_all_did_not_learn(make_results):
    results = make_results(TRUE, [0] * 10, TRUE, cluster_count=2)
    assert _level(results) == "failed"
