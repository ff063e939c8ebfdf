from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scan_core.artifacts.arrays import write_array
from scan_core.artifacts.clusters import read_baselines
from scan_core.evaluation.best_kmeans import CLUSTERED
from stages import baselines
from tests.embedded import write_directions, write_images_of
from tests.samples import write_pixels

ROWS = 40
GROUP = np.arange(ROWS) % 2


@pytest.fixture
def run_baselines(empty, monkeypatch):
    """Each method has another grouping to find: the direction, the length, the brightness."""
    generator = np.random.default_rng(0)
    brightness = (np.arange(ROWS) < 10) * 200
    noise = generator.integers(0, 20, (ROWS, 1, 8, 8))
    write_pixels(Path("data/artifacts/images"), (noise + brightness[:, None, None, None]).astype(np.uint8))
    write_images_of(np.arange(ROWS) % 4 < 2)
    write_directions(np.eye(2)[GROUP])
    write_array(Path("data/artifacts/embedding_norms.npy"), np.where(np.arange(ROWS) < 20, 0.1, 100).astype(np.float32))

    def run(*methods: str) -> dict[str, np.ndarray]:
        config = SimpleNamespace(
            seed=0,
            baselines=SimpleNamespace(methods=methods, seed=0),
            scan=SimpleNamespace(clusters=2, views=10),
            runtime=SimpleNamespace(threads=1),
        )  # no more
        monkeypatch.setattr(baselines, "load_params", lambda _: config)
        baselines.main()
        return read_baselines(Path("data/artifacts/baselines.parquet"), rows=ROWS)

    return run


def _groups(clusters: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(clusters == cluster)) for cluster in np.unique(clusters)}


def test_each_method_clusters_its_own_features(run_baselines):
    found = run_baselines()
    assert list(found) == ["kmeans", "kmeans_raw", "kmeans_pixels"]
    assert set(found) < set(CLUSTERED)
    assert _groups(found["kmeans"]) == _groups(GROUP)
    assert _groups(found["kmeans_pixels"]) == _groups(np.arange(ROWS) < 10)
    # Raw, half of them sit at the origin, the others 100 along each axis. One axis against the rest costs, of n images
    # fitted on, (n/2)(n/4)/(3n/4) 100^2 = n/6 100^2, the origin against the rest n/8 (2 100^2) = n/4 100^2.
    far = np.arange(ROWS) >= 20
    assert _groups(found["kmeans_raw"]) in [_groups(far & (group == GROUP)) for group in (0, 1)]


def test_further_methods_come_after_k_means_in_a_fixed_order(run_baselines):
    assert list(run_baselines("spectral", "kmeans", "spectral")) == [
        "kmeans", "kmeans_raw", "kmeans_pixels", "spectral",
    ]  # fmt: skip
    assert list(run_baselines()) == ["kmeans", "kmeans_raw", "kmeans_pixels"]
