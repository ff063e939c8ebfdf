from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from scan_core.evaluation import report
from scan_core.evaluation.report import write_charts, write_galleries, write_tables
from scan_core.evaluation.results import Results, step_result
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


def test_only_embeddings_of_evaluated_images_rank(make_results, tmp_path):
    results = make_results([0, 0, 1, 1, 2, -1], [0] * 6, [0] * 6, cluster_count=3)
    generator = np.random.default_rng(0)
    images = ResidentImages(generator.integers(0, 256, (20, 1, 8, 8), dtype=np.uint8), torch.device("cpu"))
    embeddings = generator.normal(size=(20, 4)).astype(np.float32)
    others_zero = np.where(np.arange(20)[:, None] % 3 == 0, embeddings, 0)
    for name, points in (("a", embeddings), ("b", others_zero)):
        write_galleries(
            tmp_path / name, results, np.arange(6) * 3, images, points, results.truth.names, prototype_count=3
        )
    assert (tmp_path / "a/prototypes.png").read_bytes() == (tmp_path / "b/prototypes.png").read_bytes()


def test_what_the_report_draws(make_results, monkeypatch, tmp_path):
    drawn = {}
    for name in ("uncertain_gallery", "plot_cluster_sizes", "plot_confidence"):
        monkeypatch.setattr(report, name, lambda *args, name=name: drawn.update({name: args}) or Figure())
    results = make_results([0, 1, 1, 0, 1, -1], [0] * 6, [0] * 6, cluster_count=2)
    final = np.array([[0.9, 0.1], [0.3, 0.7], [0.45, 0.55], [0.75, 0.25], [0.8, 0.2], [0.6, 0.4]], dtype=np.float32)
    results = results._replace(self_label=step_result(final, results.truth, selection_loss=None))
    images = ResidentImages(np.zeros((6, 1, 8, 8), np.uint8), torch.device("cpu"))
    write_charts(tmp_path, results, results.truth.names)
    write_galleries(
        tmp_path, results, np.arange(6), images, np.eye(6, dtype=np.float32), results.truth.names, prototype_count=3
    )
    _, predicted, confidence, actual = drawn["uncertain_gallery"]  # of images 2, 5, 1, 3, 4, 0
    assert predicted == ["class 1", "class 0", "class 1", "class 0", "class 0", "class 0"]
    assert confidence.tolist() == pytest.approx([0.55, 0.6, 0.7, 0.75, 0.8, 0.9])
    assert actual == ["class 1", None, "class 1", "class 0", "class 1", "class 0"]
    sizes, correct, _ = drawn["plot_cluster_sizes"]
    assert (sizes.tolist(), correct.tolist()) == ([4, 2], [2, 2])  # of cluster 0, image 4 is wrong and 5 unlabeled
    curves = drawn["plot_confidence"][0]
    # The SCAN step says cluster 0 with 0.9 of all: by one-to-one matching, class 1 (3 of 5 images).
    assert curves["scan"].accuracy.tolist() == [0.6]
    assert curves["self_label"].accuracy[-1] == 0.8


def test_k_means_prototypes_are_near_the_mean_of_all_images(make_results, monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(
        report, "prototype_gallery", lambda pictures, *_: drawn.append(pictures[:, 0, 0, 0].tolist()) or Figure()
    )
    results = make_results([-1] * 21, [0] * 21, [0] * 21, cluster_count=2)._replace(kmeans=np.zeros(21, dtype=np.int64))
    # Ten at 0 degrees and then eleven at 90: the mean of all is nearer to 90, that of the first ten is at 0.
    embeddings = np.eye(2, dtype=np.float32)[[0] * 10 + [1] * 11]
    embeddings = np.hstack([embeddings, 1e-3 * np.eye(21, dtype=np.float32)])  # none is a copy of another
    pixels = np.broadcast_to(np.arange(21, dtype=np.uint8)[:, None, None, None], (21, 1, 8, 8)).copy()
    images = ResidentImages(pixels, torch.device("cpu"))
    write_galleries(tmp_path, results, np.arange(21), images, embeddings, (), prototype_count=2)
    assert drawn == [[0, 1], [10, 11]]


def test_tables_and_confusions_have_the_true_names(make_results, monkeypatch, tmp_path):
    monkeypatch.setattr(report, "NAMED", 1)
    results = make_results([0, 0, 1], [0, 0, 1], [0, 1, 1], cluster_count=2)
    write_charts(tmp_path, results, ["shown 0", "shown 1"])
    assert (tmp_path / "confusions.csv").read_text().splitlines()[1] == "class 0,class 1,1,0.5000"
    write_tables(tmp_path, results._replace(kmeans=np.array([1, 0, 0])), list("abc"))
    assert (tmp_path / "assignments.csv").read_text().splitlines()[0] == "path,cluster,class,confidence,kmeans"
