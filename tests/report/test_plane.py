import base64
import builtins
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from scan_core.errors import ArtifactError
from scan_core.report.map_table import Plane, read_map, write_map
from scan_core.report.plane import STEPS, UMAP_LIMIT, packed, plane, principal_plane
from scan_core.report.umap_plane import NEIGHBORS, umap_plane


def groups(count: int, *, each: int) -> np.ndarray:
    """Unit vectors of ``count`` groups that lie far apart, one group after the other."""
    generator = np.random.default_rng(0)
    centers = np.repeat(np.eye(count, 16), each, axis=0)
    found = (centers + 0.1 * generator.normal(size=centers.shape)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_principal_plane_keeps_the_distances_of_points_on_a_plane():
    flat = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    axes = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 2)))[0].astype(np.float32)
    places = principal_plane(flat @ axes.T + 3)
    between = [np.linalg.norm(each[:, None] - each, axis=2) for each in (flat, places)]
    assert between[1] == pytest.approx(between[0], abs=1e-4)
    assert places[:, 0].std() > places[:, 1].std()


def test_plane_of_a_single_image():
    drawn = plane(np.ones((1, 4), dtype=np.float32), projection="umap")
    assert drawn.places.tolist() == [[0, 0]]
    assert drawn.projection == "pca"


@pytest.mark.slow  # umap-learn compiles for ten seconds
def test_umap_keeps_groups_together_that_two_components_mix():
    embeddings = groups(12, each=20)
    drawn = plane(embeddings, projection="umap")
    assert (drawn.projection, drawn.reason) == ("umap", "")
    assert _nearest_in_group(drawn.places) > 0.99 > 0.9 > _nearest_in_group(principal_plane(embeddings))
    assert plane(embeddings, projection="umap").places.tobytes() == drawn.places.tobytes()
    assert np.isfinite(plane(np.repeat(embeddings[:2], 20, axis=0), projection="umap").places).all()


def _nearest_in_group(places: np.ndarray) -> float:
    """The share of images, of twelve groups of 20, whose nearest image on the map is of their group."""
    distance = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(distance, np.inf)
    group = np.arange(240) // 20
    return float((group[distance.argmin(axis=1)] == group).mean())


def test_too_few_or_too_many_images_for_umap_are_said():
    few = plane(groups(1, each=NEIGHBORS), projection="umap")
    many = plane(np.eye(3, dtype=np.float32)[np.arange(UMAP_LIMIT + 1) % 3], projection="umap")
    assert (few.projection, few.reason) == ("pca", "UMAP takes 16 to 60,000 pictures, and here are 15")
    assert (many.projection, many.reason) == ("pca", "UMAP takes 16 to 60,000 pictures, and here are 60,001")


def test_without_umap_learn_the_map_is_that_of_pca(monkeypatch):
    found = builtins.__import__

    def without(name, *arguments, **further):
        if name == "umap":
            raise ImportError("No module named 'umap'")
        return found(name, *arguments, **further)

    monkeypatch.setattr(builtins, "__import__", without)
    embeddings = groups(2, each=20)
    drawn = plane(embeddings, projection="umap")
    assert drawn.reason == "UMAP failed (ImportError: No module named 'umap')"
    assert drawn.places.tobytes() == plane(embeddings, projection="pca").places.tobytes()
    with pytest.raises(ImportError):
        umap_plane(embeddings, drawn.places)


def test_packed_keeps_one_scale():
    # The wider axis, x, is 4 long: y, 2 long, ends at the middle.
    x, y = packed(np.array([[-1, 0], [3, 2], [1, 1]], dtype=np.float32))
    read = [np.frombuffer(base64.b64decode(text), "<u2").tolist() for text in (x, y)]
    assert read == [[0, STEPS, 32768], [0, 32768, 16384]]


def test_map_has_one_row_per_image(tmp_path: Path):
    path, confidence = tmp_path / "map.parquet", np.array([0.75, 1], np.float32)
    drawn = Plane(np.array([[0.5, 1], [2, 3]], np.float32), "umap", "a reason")
    write_map(path, drawn, np.array([1, 0]), confidence, ["a", "b"], ["x.png", "y.png"])
    assert pq.read_table(path).to_pylist() == [
        {"x": 0.5, "y": 1, "cluster": 1, "name": "b", "confidence": 0.75, "path": "x.png"},
        {"x": 2, "y": 3, "cluster": 0, "name": "a", "confidence": 1, "path": "y.png"},
    ]
    table = pd.read_parquet(path)  # as embedding-atlas does: docs/report.md
    assert [table[name].dtype.kind for name in ("x", "y", "path")] == ["f", "f", "O"]
    read = read_map(path, rows=2)
    assert read.places.tolist() == [[0.5, 1], [2, 3]]
    assert read[1:] == ("umap", "a reason")
    with pytest.raises(ArtifactError, match="2 rows, expected 3"):
        read_map(path, rows=3)
