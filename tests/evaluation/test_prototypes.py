import numpy as np

from scan_core.evaluation.prototypes import copies_last, least_confident, prototypes


def _on_circle(*degrees: float) -> np.ndarray:
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_prototypes_are_near_the_mean_of_the_most_confident():
    # The two surest are at 0 and 20 degrees, mean 10: nearest is 12, then 0 or 20 (10 away), then 90.
    embeddings = _on_circle(0, 20, 12, 90)
    ranked = prototypes(
        embeddings, np.zeros(4, dtype=np.int64), np.array([0.9, 0.8, 0.1, 0.2]), cluster_count=1, count=3, averaged=2
    )
    assert ranked[0][0] == 2
    assert set(ranked[0][1:]) == {0, 1}


def test_small_cluster_uses_and_shows_its_own_images_alone():
    # Cluster 1 has 2 images, cluster 2 none; cluster 0's 12 are surer and as close.
    embeddings = _on_circle(*[45] * 12, 40, 50)
    clusters = np.array([0] * 12 + [1, 1])
    confidence = np.array([0.99] * 12 + [0.4, 0.3])
    ranked = prototypes(embeddings, clusters, confidence, cluster_count=3, count=10)
    assert [len(rows) for rows in ranked] == [10, 2, 0]
    assert set(ranked[1]) == {12, 13}


def test_mean_is_of_the_cluster_s_own_images():
    # Cluster 1's mean, of fewer than `averaged` images, is at 60; taking in cluster 0's at 180 would prefer 90.
    embeddings = _on_circle(180, 180, 180, 30, 62, 90)
    clusters = np.array([0, 0, 0, 1, 1, 1])
    ranked = prototypes(embeddings, clusters, np.array([0.9] * 3 + [0.5] * 3), cluster_count=2, count=1)
    assert ranked[1].tolist() == [4]


def test_least_confident_first_and_ties_in_order():
    assert least_confident(np.array([0.5, 0.2, 0.9, 0.2]), count=3).tolist() == [1, 3, 0]
    assert least_confident(np.array([0.5]), count=3).tolist() == [0]


def test_copies_are_shown_only_if_there_is_nothing_else():
    embeddings = _on_circle(10, 10, 20, 10, 30)
    assert copies_last(np.array([3, 0, 4, 1, 2]), embeddings, count=3).tolist() == [3, 4, 2]
    assert copies_last(np.array([3, 0, 4, 1, 2]), embeddings, count=4).tolist() == [3, 4, 2, 0]
    assert copies_last(np.array([], dtype=np.int64), embeddings, count=4).tolist() == []
    ranked = prototypes(embeddings, np.zeros(5, dtype=np.int64), np.full(5, 0.9), cluster_count=1, count=3)
    assert ranked[0].tolist() == [2, 0, 4]  # the mean is nearest to 20 degrees
