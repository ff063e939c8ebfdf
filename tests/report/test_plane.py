import base64
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from scan_core.report.plane import STEPS, packed, plane, write_map


def test_plane_keeps_the_distances_of_points_on_a_plane():
    flat = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    axes = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 2)))[0].astype(np.float32)
    places = plane(flat @ axes.T + 3)
    between = [np.linalg.norm(each[:, None] - each, axis=2) for each in (flat, places)]
    assert between[1] == pytest.approx(between[0], abs=1e-4)
    assert places[:, 0].std() > places[:, 1].std()


def test_plane_of_a_single_image():
    assert plane(np.ones((1, 4), dtype=np.float32)).tolist() == [[0, 0]]


def test_packed_keeps_one_scale():
    # The wider axis, x, is 4 long: y, 2 long, ends at the middle.
    x, y = packed(np.array([[-1, 0], [3, 2], [1, 1]], dtype=np.float32))
    read = [np.frombuffer(base64.b64decode(text), "<u2").tolist() for text in (x, y)]
    assert read == [[0, STEPS, 32768], [0, 32768, 16384]]


def test_map_has_one_row_per_image(tmp_path: Path):
    places, confidence = np.array([[0.5, 1], [2, 3]], np.float32), np.array([0.75, 1], np.float32)
    write_map(tmp_path / "map.parquet", places, np.array([1, 0]), confidence, ["a", "b"], ["x.png", "y.png"])
    assert pq.read_table(tmp_path / "map.parquet").to_pylist() == [
        {"x": 0.5, "y": 1, "cluster": 1, "name": "b", "confidence": 0.75, "path": "x.png"},
        {"x": 2, "y": 3, "cluster": 0, "name": "a", "confidence": 1, "path": "y.png"},
    ]
