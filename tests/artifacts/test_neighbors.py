from pathlib import Path

import numpy as np
import pytest

from scan_core.artifacts.arrays import write_array
from scan_core.artifacts.embeddings import read_embeddings
from scan_core.artifacts.neighbors import Neighbors, read_neighbors, write_neighbors
from scan_core.errors import ArtifactError

IDS = np.array([1, 4, 6])
TABLE = Neighbors(IDS, np.array([[4, 6], [6, 1], [1, 4]], np.int32), np.array([[0.9, 0.5]] * 3, np.float32))


def test_comes_back_as_written(tmp_path: Path):
    write_neighbors(tmp_path / "n.parquet", TABLE)
    found = read_neighbors(tmp_path / "n.parquet", train_ids=IDS)
    assert all(np.array_equal(a, b) for a, b in zip(found, TABLE, strict=True))
    assert [column.dtype for column in found] == [np.int64, np.int32, np.float32]


def test_no_neighbors(tmp_path: Path):
    empty = Neighbors(IDS, np.empty((3, 0), np.int32), np.empty((3, 0), np.float32))
    write_neighbors(tmp_path / "n.parquet", empty)
    assert read_neighbors(tmp_path / "n.parquet", train_ids=IDS).neighbor_id.shape == (3, 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image_id": np.array([1, 4, 7])}, "expected the 3 training images"),
        ({"neighbor_id": np.array([[4, 6], [4, 1], [1, 4]], np.int32)}, "a neighbor is the image itself"),
        ({"neighbor_id": np.array([[4, 6], [2, 1], [1, 4]], np.int32)}, "no training image"),
        ({"similarity": np.array([[0.5, 0.9]] * 3, np.float32)}, "nearest first"),
        ({"similarity": np.array([[0.5, np.nan]] * 3, np.float32)}, "not finite"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, np.ndarray], said: str):
    write_neighbors(tmp_path / "n.parquet", TABLE._replace(**changes))
    with pytest.raises(ArtifactError, match=said):
        read_neighbors(tmp_path / "n.parquet", train_ids=IDS)


@pytest.mark.parametrize(
    ("embeddings", "said"),
    [
        (np.eye(3), "float64 .* expected float32"),
        (np.eye(3, dtype=np.float32)[0], r"expected float32 \[images, dimensions\]"),
        (np.eye(2, 3, dtype=np.float32), "2 rows, expected 3"),
        (2 * np.eye(3, dtype=np.float32), "3 rows are not of length 1, row 0 has 2"),
        (np.full((3, 3), np.nan, np.float32), "3 rows are not of length 1"),
    ],
)
def test_embeddings_are_checked(tmp_path: Path, embeddings: np.ndarray, said: str):
    np.save(tmp_path / "e.npy", embeddings)
    with pytest.raises(ArtifactError, match=said):
        read_embeddings(tmp_path / "e.npy", rows=3)
    write_array(tmp_path / "e.npy", np.eye(3, dtype=np.float32))
    assert len(read_embeddings(tmp_path / "e.npy", rows=3)) == 3
