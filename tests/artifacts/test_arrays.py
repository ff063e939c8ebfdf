from pathlib import Path

import numpy as np
import pytest

from scan_core.artifacts.arrays import read_array, write_array
from scan_core.errors import ArtifactError


def test_what_is_written_is_read(tmp_path: Path):
    write_array(tmp_path / "a.npy", np.arange(6.0).reshape(2, 3))
    assert read_array(tmp_path / "a.npy", stage="embed").tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_missing_file_names_the_stage(tmp_path: Path):
    with pytest.raises(ArtifactError, match=r"a\.npy: missing; run the embed stage \(dvc repro embed\)"):
        read_array(tmp_path / "a.npy", stage="embed")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY", b"words", b"\x93NUMPY\x01\x00v\x00{"])
@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_another_file_is_one_error(content: bytes, mmap_mode: str | None, tmp_path: Path):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"not a readable NPY file .*; run dvc repro embed"):
        read_array(tmp_path / "a.npy", stage="embed", mmap_mode=mmap_mode)
