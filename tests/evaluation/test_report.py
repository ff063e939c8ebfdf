from pathlib import Path

import numpy as np
import pytest
import torch

from scan_core.evaluation.report import write_charts, write_galleries, write_tables
from scan_core.evaluation.results import Results
from scan_core.images.images import ResidentImages

LABELS = [0, 0, 1, 1, 2, -1]
FREE = {
    "assignments.csv", "cluster_sizes.csv", "clusters.png", "confidence.csv", "confidence.png", "prototypes.png",
    "uncertain.png",
}  # fmt: skip
EMPTY = {"confusion.csv": "actual,predicted\n", "purity.csv": "k,purity\n"}
BY_LABEL = {*EMPTY, "confusion.png", "purity.png"}


def _write_galleries(folder, results, pixels, embeddings):
    ids = np.arange(6) * 3
    write_galleries(folder, results, ids, _images(pixels), embeddings, results.truth.names, prototype_count=3)


def _images(pixels: np.ndarray) -> ResidentImages:
    return ResidentImages(pixels, torch.device("cpu"))


def _write(folder: Path, results: Results) -> dict[str, bytes]:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (20, 1, 8, 8), dtype=np.uint8)
    embeddings = generator.normal(size=(20, 4)).astype(np.float32)
    write_tables(folder, results, list("abcdef"))
    write_charts(folder, results, results.truth.names)
    _write_galleries(folder, results, pixels, embeddings)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_report_is_complete_and_repeats_itself(make_results, tmp_path: Path):
    results = make_results(LABELS, [*LABELS[:5], 0], [0, 0, 1, 2, 2, 3], cluster_count=5, purity=[1, 0.5])
    first, second = (_write(tmp_path / name, results) for name in ("first", "second"))
    assert first.keys() == FREE | BY_LABEL
    assert first == second


@pytest.mark.parametrize(("labels", "missing"), [([-1] * 6, {"confusion", "purity"}), (LABELS, {"purity"})])
def test_report_without_labels_or_neighbors(make_results, tmp_path: Path, labels: list[int], missing: set[str]):
    results = make_results(labels, [0] * 6, [0, 0, 1, 1, 2, 2], cluster_count=3)
    written = _write(tmp_path, results)
    assert written.keys() == (FREE | BY_LABEL) - {f"{name}.png" for name in missing}
    for name in missing:  # DVC warns of missing tables
        assert written[f"{name}.csv"].decode() == EMPTY[f"{name}.csv"]


def test_k_means_with_more_clusters_than_the_model(make_results, tmp_path: Path):
    results = make_results(LABELS, [0] * 6, [0] * 6, cluster_count=3)
    written = _write(tmp_path, results._replace(kmeans=np.array([0, 1, 2, 3, 4, 5])))
    assert written.keys() == FREE | {*EMPTY, "confusion.png", "prototypes_kmeans.png"}


def test_pictures_are_those_of_the_evaluated_images(make_results, tmp_path: Path):
    results = make_results(LABELS, [0] * 6, [0, 0, 1, 1, 2, 2], cluster_count=3)
    before = _write(tmp_path / "a", results)
    pixels, embeddings = np.zeros((20, 1, 8, 8), dtype=np.uint8), np.ones((20, 4), dtype=np.float32)
    pixels[1::3] = 255  # none of the evaluated ones
    for name, content in (("a", pixels), ("b", np.zeros_like(pixels))):
        _write_galleries(tmp_path / name, results, content, embeddings)
    for name in ("prototypes.png", "uncertain.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() != before[name]
