import sys

import numpy as np
import pytest

from scan_core.neighbors import ivf
from scan_core.neighbors.ivf import lists_of
from scan_core.neighbors.mine import mine_neighbors


def kinds(images: int, *, count: int = 40) -> np.ndarray:
    """Unit vectors around ``count`` directions, as embeddings are."""
    generator = np.random.default_rng(0)
    points = generator.normal(size=(count, 16))[generator.integers(count, size=images)]
    points += generator.normal(size=points.shape)
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def recall(found: np.ndarray, expected: np.ndarray) -> float:
    return float(
        np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.tolist(), expected.tolist(), strict=True)])
    )


def test_past_the_limit_the_measured_recall_is_that_of_all_images(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ivf, "SAMPLE", 500)
    points, ids = kinds(3000), np.arange(3000)
    exact = mine_neighbors(points, ids, k=10, gpus=(), exact_up_to=3000)
    mined = mine_neighbors(points, ids, k=10, gpus=(), exact_up_to=2999)
    assert exact.approximation is None
    assert mined.approximation is not None
    assert mined.approximation.lists == 3000 // 39
    assert 1 < mined.approximation.probed < mined.approximation.lists
    measured = recall(mined.neighbors.neighbor_id, exact.neighbors.neighbor_id)
    assert 0.95 <= mined.approximation.recall < 1
    assert mined.approximation.recall == pytest.approx(measured, abs=0.02)
    assert not (mined.neighbors.neighbor_id == ids[:, None]).any()
    assert (mined.neighbors.neighbor_id >= 0).all()


def test_the_same_again_and_in_parts():
    points, ids = kinds(12300), np.arange(12300)
    whole, again = (mine_neighbors(points, ids, k=5, gpus=(), exact_up_to=1).neighbors for _ in range(2))
    part = mine_neighbors(points, ids, k=5, gpus=(), exact_up_to=1, rank=1, world_size=3).neighbors
    assert part.image_id[0] == 4096
    for a, b, c in zip(whole, again, part, strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(a[4096:8192], c)


def test_lists_too_short_for_k_are_completed_exactly(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ivf, "LEAST_RECALL", 0.0)  # one list only, of about 39 images
    points, ids = kinds(400), np.arange(400)
    mined = mine_neighbors(points, ids, k=60, gpus=(), exact_up_to=1)
    assert mined.approximation is not None
    assert mined.approximation.probed == 1
    exact = mine_neighbors(points, ids, k=60, gpus=()).neighbors.neighbor_id
    assert recall(mined.neighbors.neighbor_id, exact) > 0.5
    assert (mined.neighbors.neighbor_id >= 0).all()


def test_without_faiss_the_search_stays_exact(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert mine_neighbors(kinds(100), np.arange(100), k=3, gpus=(), exact_up_to=10).approximation is None


def test_lists_of_39_images_but_no_more_than_four_roots():
    # 39 images a list, until 4 sqrt(n) lists are fewer: 4 * 1000 of a million images.
    assert [lists_of(points) for points in (10, 390, 1_000_000)] == [1, 10, 4000]


def test_the_sample_is_seeded(monkeypatch):
    monkeypatch.setattr(ivf, "SAMPLE", 20)
    points, ids = kinds(1500), np.arange(1500)
    recalls = {mine_neighbors(points, ids, k=10, gpus=(), exact_up_to=1).approximation for _ in range(4)}
    assert len(recalls) == 1


def test_no_neighbors_need_no_approximation():
    assert mine_neighbors(kinds(100), np.arange(100), k=0, gpus=(), exact_up_to=10).approximation is None
