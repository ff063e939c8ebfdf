import faiss
import numpy as np
import pytest

from scan_core.neighbors import torch_search as module
from scan_core.neighbors.search import exact_search
from scan_core.neighbors.torch_search import torch_search


@pytest.fixture(autouse=True)
def _chunks_of_50_candidates(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_CANDIDATES", 50)


@pytest.mark.parametrize("k", [1, 5, 60, 333])
def test_equals_faiss(k: int):
    points = np.random.default_rng(0).normal(size=(333, 16)).astype(np.float32)
    ours, theirs = (search(points, gpus=())(points[:70], k) for search in (torch_search, exact_search))
    assert np.array_equal(ours.row, theirs.row)
    np.testing.assert_allclose(ours.similarity, theirs.similarity, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("k", [1, 7, 99])
def test_the_smaller_rows_are_taken_among_equals(k: int):
    # Products of small integers are exact in any order, and take few values: ties everywhere, across chunks too.
    points = np.random.default_rng(0).integers(-1, 2, (200, 4)).astype(np.float32)
    found = torch_search(points, gpus=())(points, k)
    product = points @ points.T
    expected = np.argsort(-product, axis=1, kind="stable")[:, :k]
    assert np.array_equal(found.row, expected)
    assert np.array_equal(found.similarity, np.take_along_axis(product, expected, axis=1))
    theirs = faiss.knn(points, points, k, metric=faiss.METRIC_INNER_PRODUCT)[0]
    assert np.array_equal(found.similarity, theirs)


def test_the_same_again():
    points = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
    first, second = (torch_search(points, gpus=())(points, 9) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
