import sys

import numpy as np
import pytest

from scan_core.artifacts.neighbors import Neighbors
from scan_core.errors import ParamsError
from scan_core.neighbors.mine import mine_neighbors


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def brute_force(embeddings: np.ndarray, ids: np.ndarray, k: int) -> np.ndarray:
    found = []
    for image in ids:
        others = [
            (-float(embeddings[image].astype(np.float64) @ embeddings[other]), other) for other in ids if other != image
        ]
        found.append([other for _, other in sorted(others)[:k]])
    return np.array(found)


@pytest.fixture(params=["faiss", "torch"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "torch":
        monkeypatch.setitem(sys.modules, "faiss", None)
    return request.param


@pytest.mark.usefixtures("library")
def test_equals_brute_force_among_the_given_images():
    embeddings = unit(np.random.default_rng(0).normal(size=(60, 8)))
    ids = np.arange(0, 60, 2)
    found = mine_neighbors(embeddings, ids, k=7, gpu=False)
    assert np.array_equal(found.neighbor_id, brute_force(embeddings, ids, 7))
    assert np.array_equal(found.image_id, ids)
    assert (np.diff(found.similarity, axis=1) <= 0).all()
    expected = (embeddings[ids][:, None] * embeddings[found.neighbor_id]).sum(-1)
    assert np.allclose(found.similarity, expected, atol=1e-5)


@pytest.mark.usefixtures("library")
def test_exact_duplicates_exclude_the_image_itself_by_id():
    embeddings = unit(np.repeat(np.random.default_rng(0).normal(size=(3, 4)), 10, axis=0))
    found: Neighbors = mine_neighbors(embeddings, np.arange(30), k=4, gpu=False)
    assert not (found.neighbor_id == np.arange(30)[:, None]).any()
    assert np.array_equal(found.neighbor_id // 10, np.repeat(np.arange(30)[:, None] // 10, 4, axis=1))
    assert all(len(set(row)) == 4 for row in found.neighbor_id.tolist())


def test_no_neighbors():
    assert mine_neighbors(unit(np.eye(3)), np.arange(3), k=0, gpu=False).neighbor_id.shape == (3, 0)


def test_too_many_neighbors_name_the_parameter():
    with pytest.raises(ParamsError, match=r"neighbors\.k: 3 .* among 3 .* at most 2"):
        mine_neighbors(unit(np.eye(3)), np.arange(3), k=3, gpu=False)
