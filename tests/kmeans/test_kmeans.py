import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scan_core.errors import DataError
from scan_core.kmeans.kmeans import MOST_BYTES, at_once, kmeans, rows_in_turn, starts


def _blobs(count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, count)
    centers = np.array([[0, 0], [10, 0], [0, 10]])
    return (centers[labels] + generator.normal(size=(count, 2))).astype(np.float32), labels


def test_kmeans_finds_distant_blobs_also_among_images_it_was_not_fitted_on():
    features, labels = _blobs(300)
    clusters = kmeans(features, fit_ids=np.arange(0, 300, 2), clusters=3, seed=0)
    assert all(len(np.unique(clusters[labels == label])) == 1 for label in range(3))
    assert len(np.unique(clusters)) == 3


def test_kmeans_is_fitted_on_the_given_rows_alone():
    # Two groups to fit on; the far third one would take a center if it took part.
    features = np.array([[0.0], [0.1], [5.0], [5.1], [100.0], [100.1]], dtype=np.float32)
    clusters = kmeans(features, fit_ids=np.arange(4), clusters=2, seed=0)
    assert clusters[0] == clusters[1] != clusters[2] == clusters[3] == clusters[4] == clusters[5]


def test_of_many_rows_the_starts_see_a_sample_and_the_best_one_continues_on_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("scan_core.kmeans.kmeans.SAMPLE", 50)
    monkeypatch.setattr("scan_core.kmeans.kmeans.PER_CLUSTER", 1)
    features = np.random.default_rng(0).normal(size=(2000, 2)).astype(np.float32)
    clusters = kmeans(features, fit_ids=np.arange(2000), clusters=5, seed=0)
    centers = np.stack([features[clusters == cluster].mean(0) for cluster in range(5)])
    nearest = np.square(features[:, None] - centers).sum(2).argmin(1)
    assert (nearest == clusters).mean() > 0.99  # of the sample's centers, 0.9


def test_kmeans_repeats_itself_whatever_the_number_of_workers():
    features = np.random.default_rng(1).normal(size=(3000, 64)).astype(np.float32)
    first, *others = (
        kmeans(features, fit_ids=np.arange(3000), clusters=10, seed=2**40, workers=workers) for workers in (1, 1, 2, 5)
    )
    assert all(first.tobytes() == other.tobytes() for other in others)


EACH_START = """
import numpy as np
from scan_core.kmeans import kmeans

threads = []

class Recorded(kmeans.KMeans):
    def fit(self, rows):
        fitted = super().fit(rows)
        threads.append(fitted._n_threads)
        return fitted

kmeans.KMeans = Recorded
features = np.random.default_rng(1).normal(size=(3000, 64)).astype(np.float32)
kmeans.kmeans(features, fit_ids=np.arange(3000), clusters=10, seed=0, inits=4, workers=2)
print(*threads)
"""


def test_each_start_has_one_thread():
    # Threads that share a start add up its centers in any order. Of itself, scikit-learn would take the four.
    environment = {**os.environ, "OMP_NUM_THREADS": "4", "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", EACH_START]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["1"] * 4


def test_copies_of_the_features_are_bounded():
    assert at_once(10, feature_bytes=1000, workers=4) == 4
    assert at_once(3, feature_bytes=1000, workers=4) == 3
    assert at_once(10, feature_bytes=MOST_BYTES // 2, workers=4) == 2
    assert at_once(10, feature_bytes=2 * MOST_BYTES, workers=4) == 1


def test_kmeans_keeps_its_best_start():
    features = np.random.default_rng(2).normal(size=(500, 2)).astype(np.float32)

    def inertia(inits: int, seed: int) -> float:
        clusters = kmeans(features, fit_ids=np.arange(500), clusters=20, seed=seed, inits=inits)
        groups = (features[clusters == cluster] for cluster in range(20))
        return sum(float(np.square(group - group.mean(axis=0)).sum()) for group in groups)

    single = [inertia(1, seed) for seed in range(8)]
    assert max(inertia(10, seed) for seed in range(8)) < np.median(single)


def test_kmeans_needs_an_image_a_cluster():
    with pytest.raises(DataError, match="found 3, expected at most 2, the number of training images; lower it"):
        kmeans(np.zeros((9, 2), dtype=np.float32), fit_ids=np.arange(2), clusters=3, seed=0)


def test_the_rows_of_starts_that_share_workers():
    assert rows_in_turn(2_000, 10, workers=1) == 10 * 2_000
    assert rows_in_turn(50_000, 10, workers=4) == 3 * 10_000 + 50_000
    assert rows_in_turn(1_281_167, 1000, workers=4) == 100_000 + 1_281_167  # 50 million distances allow one start


def test_fewer_starts_where_there_is_much_to_do():
    # 50 million distances a round: 10 starts of 50,000 x 100, five of twice as many clusters, one of ImageNet.
    assert [starts(50_000, 100), starts(50_000, 200), starts(1_281_167, 1000)] == [10, 5, 1]
