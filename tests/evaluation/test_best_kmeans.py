from scan_core.evaluation.best_kmeans import CLUSTERED, best_kmeans


def test_the_best_is_named_by_what_it_clustered():
    for name, clustered in CLUSTERED.items():
        best = best_kmeans({**dict.fromkeys(CLUSTERED, 0.5), "spectral": 0.9, name: 0.6})
        assert best == (0.6, clustered)
        assert str(best) == f"k-means on {clustered}"


def test_of_equal_ones_it_is_that_on_the_embeddings():
    assert best_kmeans({"kmeans_pixels": 0.5, "kmeans": 0.5}) == (0.5, "the embeddings")


def test_without_any_there_is_none():
    assert best_kmeans({"dec": 0.9}) is None
