from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scan_core.artifacts.labels import read_labels, write_labels
from scan_core.errors import ArtifactError


def _write(path: Path, labels: list[int], **further: np.ndarray) -> None:
    names = [f"class {label}" if label >= 0 else None for label in labels]
    origin = [f"{i}.png" for i in range(len(labels))]
    write_labels(path, label=np.array(labels), label_name=names, origin=origin, further=further)


def test_labels_come_back_with_nulls_where_unlabeled(tmp_path: Path):
    _write(tmp_path / "labels.parquet", [4, -1, 0])
    table = read_labels(tmp_path / "labels.parquet", rows=3)
    assert table["label"].dtype == pd.Int32Dtype()
    assert table["label"].isna().tolist() == [False, True, False]
    assert table["label"].fillna(-1).tolist() == [4, -1, 0]
    assert table["label_name"].isna().tolist() == [False, True, False]
    assert table["path"].tolist() == ["0.png", "1.png", "2.png"]


def test_no_labels_at_all(tmp_path: Path):
    _write(tmp_path / "labels.parquet", [-1, -1])
    assert read_labels(tmp_path / "labels.parquet", rows=2)["label"].isna().all()


def test_further_columns_are_kept(tmp_path: Path):
    _write(tmp_path / "labels.parquet", [0, 1], fine_label=np.array([10, 11]))
    assert read_labels(tmp_path / "labels.parquet", rows=2)["fine_label"].tolist() == [10, 11]


def test_labels_of_other_images_are_refused(tmp_path: Path):
    _write(tmp_path / "labels.parquet", [0, 1])
    with pytest.raises(ArtifactError, match="2 rows, expected 3"):
        read_labels(tmp_path / "labels.parquet", rows=3)


def test_missing_labels_are_said(tmp_path: Path):
    with pytest.raises(ArtifactError, match="missing"):
        read_labels(tmp_path / "labels.parquet", rows=3)
