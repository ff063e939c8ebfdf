from pathlib import Path

import numpy as np
import pytest

from scan_core.artifacts.features import read_features, write_features
from scan_core.errors import ArtifactError

FEATURES = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_there_and_back_memory_mapped(tmp_path: Path):
    write_features(tmp_path / "features.npy", FEATURES)
    found = read_features(tmp_path / "features.npy", rows=3)
    assert isinstance(found, np.memmap)
    assert (found == FEATURES).all()


def test_other_rows_or_another_type(tmp_path: Path):
    path = tmp_path / "features.npy"
    write_features(path, FEATURES)
    with pytest.raises(ArtifactError, match=r"float32 \(3, 2\), expected float32 \[4, dimensions\]"):
        read_features(path, rows=4)
    np.save(path, FEATURES.astype(np.float16))
    with pytest.raises(ArtifactError, match="float16"):
        read_features(path, rows=3)
    path.unlink()
    with pytest.raises(ArtifactError, match="missing; run the embed stage"):
        read_features(path, rows=3)


def test_what_is_not_finite_is_not_written(tmp_path: Path):
    with pytest.raises(ArtifactError, match="not finite"):
        write_features(tmp_path / "features.npy", np.full((1, 2), np.nan, np.float32))
    assert not list(tmp_path.iterdir())
