from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scan_core.artifacts.clusters import (
    BASELINES,
    PREDICTIONS,
    Predictions,
    read_baselines,
    read_predictions,
    write_baselines,
    write_predictions,
)
from scan_core.artifacts.tables import write_table
from scan_core.errors import ArtifactError

PROBABILITIES = np.array([[0.25, 0.75], [0.5, 0.5]], dtype=np.float32)


def test_predictions_choose_the_most_probable_cluster_and_the_lower_of_equals():
    step = Predictions("scan", np.array([3, 5]), PROBABILITIES)
    assert step.cluster.tolist() == [1, 0]
    assert step.confidence.tolist() == [0.75, 0.5]


def test_predictions_are_one_long_table(tmp_path: Path):
    steps = [Predictions(name, np.array([3, 5]), PROBABILITIES) for name in ("scan", "self_label")]
    write_predictions(tmp_path / "p.parquet", steps)
    table = pq.read_table(tmp_path / "p.parquet")
    assert table.schema.field("probabilities").type == pa.list_(pa.float32(), 2)
    assert table.drop_columns("probabilities").to_pydict() == {
        "step": ["scan", "scan", "self_label", "self_label"],
        "image_id": [3, 5, 3, 5],
        "cluster": [1, 0, 1, 0],
        "confidence": [0.75, 0.5, 0.75, 0.5],
    }
    assert table["probabilities"].to_pylist() == PROBABILITIES.tolist() * 2


def test_predictions_come_back(tmp_path: Path):
    steps = [
        Predictions("scan", np.array([3, 5]), PROBABILITIES),
        Predictions("b", np.array([3, 5]), 1 - PROBABILITIES),
    ]
    write_predictions(tmp_path / "p.parquet", steps)
    found = read_predictions(tmp_path / "p.parquet", image_ids=np.array([3, 5]))
    assert [(step.step, step.image_id.tolist(), step.probabilities.tolist()) for step in found] == [
        (step.step, [3, 5], step.probabilities.tolist()) for step in steps
    ]


def test_predictions_of_other_images(tmp_path: Path):
    write_predictions(tmp_path / "p.parquet", [Predictions("scan", np.array([3, 5]), PROBABILITIES)])
    with pytest.raises(ArtifactError, match=r"scan has other images than those to evaluate; run dvc repro evaluate"):
        read_predictions(tmp_path / "p.parquet", image_ids=np.array([3, 4]))


def test_predictions_without_probabilities(tmp_path: Path):
    write_table(tmp_path / "p.parquet", PREDICTIONS.empty_table())
    with pytest.raises(ArtifactError, match="no column probabilities"):
        read_predictions(tmp_path / "p.parquet", image_ids=np.array([3]))


def test_baselines_come_back(tmp_path: Path):
    path = tmp_path / "baselines.parquet"
    write_baselines(path, {"kmeans": np.array([1, 0, 1]), "kmeans_pixels": np.array([2, 2, 0], dtype=np.int32)})
    found = read_baselines(path, rows=3)
    assert {method: clusters.tolist() for method, clusters in found.items()} == {
        "kmeans": [1, 0, 1],
        "kmeans_pixels": [2, 2, 0],
    }
    assert all(clusters.dtype == np.int32 for clusters in found.values())


def test_baselines_of_other_images_are_refused(tmp_path: Path):
    write_baselines(tmp_path / "b.parquet", {"kmeans": np.array([1, 0])})
    with pytest.raises(ArtifactError, match=r"2 rows for kmeans, expected 3 \(image_id 0\.\.2 in order\)"):
        read_baselines(tmp_path / "b.parquet", rows=3)


@pytest.mark.parametrize("cluster", [None, -1])
def test_baselines_without_a_cluster_are_refused(tmp_path: Path, cluster: int | None):
    write_table(tmp_path / "b.parquet", pa.table([["kmeans"] * 2, [0, 1], [0, cluster]], schema=BASELINES))
    with pytest.raises(ArtifactError, match="nulls or negative clusters"):
        read_baselines(tmp_path / "b.parquet", rows=2)


def test_missing_and_foreign_files_are_refused(tmp_path: Path):
    with pytest.raises(ArtifactError, match="missing"):
        read_baselines(tmp_path / "none.parquet", rows=1)
    write_predictions(tmp_path / "p.parquet", [Predictions("scan", np.array([0, 1]), PROBABILITIES)])
    with pytest.raises(ArtifactError, match="columns step: string"):
        read_baselines(tmp_path / "p.parquet", rows=2)
