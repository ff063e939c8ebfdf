import math
import sys

import faiss
import numpy as np
import pytest

from scan_core.artifacts.neighbors import Neighbors
from scan_core.neighbors import parts
from scan_core.neighbors.mine import mine_neighbors
from scan_core.neighbors.parts import chunks, join, part_of_rows


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def noise(images: int, dimensions: int) -> np.ndarray:
    return unit(np.random.default_rng(0).normal(size=(images, dimensions)))


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


@pytest.fixture
def chunks_of_16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "CHUNK", 16)


@pytest.mark.usefixtures("library", "chunks_of_16")
def test_equals_brute_force_among_the_given_images():
    embeddings = noise(60, 8)
    ids = np.arange(0, 60, 2)
    found = mine_neighbors(embeddings, ids, k=7, gpus=()).neighbors
    assert np.array_equal(found.neighbor_id, brute_force(embeddings, ids, 7))
    assert np.array_equal(found.image_id, ids)
    assert (np.diff(found.similarity, axis=1) <= 0).all()
    expected = (embeddings[ids][:, None] * embeddings[found.neighbor_id]).sum(-1)
    assert np.allclose(found.similarity, expected, atol=1e-5)
    assert [column.dtype for column in found] == [np.int64, np.int32, np.float32]


@pytest.mark.usefixtures("library")
def test_exact_duplicates_exclude_the_image_itself_by_id():
    embeddings = unit(np.repeat(np.random.default_rng(0).normal(size=(3, 4)), 10, axis=0))
    found: Neighbors = mine_neighbors(embeddings, np.arange(30), k=4, gpus=()).neighbors
    assert not (found.neighbor_id == np.arange(30)[:, None]).any()
    assert np.array_equal(found.neighbor_id // 10, np.repeat(np.arange(30)[:, None] // 10, 4, axis=1))
    assert all(len(set(row)) == 4 for row in found.neighbor_id.tolist())


@pytest.mark.usefixtures("library")
def test_among_equals_the_smaller_id_comes_first():
    # Six images of three kinds, each kind an axis: the two of a kind are equal, all others are equally far.
    embeddings = np.eye(3, dtype=np.float32)[[0, 1, 2, 2, 1, 0]]
    found = mine_neighbors(embeddings, np.arange(6), k=5, gpus=()).neighbors
    assert found.neighbor_id.tolist() == [
        [5, 1, 2, 3, 4],
        [4, 0, 2, 3, 5],
        [3, 0, 1, 4, 5],
        [2, 0, 1, 4, 5],
        [1, 0, 2, 3, 5],
        [0, 1, 2, 3, 4],
    ]
    assert found.similarity.tolist() == [[1, 0, 0, 0, 0]] * 6


@pytest.mark.usefixtures("library", "chunks_of_16")
@pytest.mark.parametrize("world_size", [2, 3, 7])
def test_the_parts_of_all_ranks_are_the_whole(world_size: int):
    embeddings = noise(90, 8)
    embeddings[40:60] = embeddings[0]  # equals across the parts
    ids = np.arange(0, 90, 2)
    whole = mine_neighbors(embeddings, ids, k=4, gpus=()).neighbors
    parts = [
        mine_neighbors(embeddings, ids, k=4, gpus=(), rank=rank, world_size=world_size).neighbors
        for rank in range(world_size)
    ]
    assert sorted(len(part.image_id) for part in parts)[-2:] == [16, 29]  # 45 images are chunks of 16 and 29
    assert all(np.array_equal(a, b) for a, b in zip(join(parts), whole, strict=True))


@pytest.mark.usefixtures("chunks_of_16")
@pytest.mark.parametrize("images", [1, 16, 33, 100])
@pytest.mark.parametrize("world_size", [1, 2, 5])
def test_parts_are_whole_chunks_that_follow_each_other(images: int, world_size: int):
    ranges = [part_of_rows(images, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert [row for rows in ranges for row in rows] == list(range(images))
    assert all(rows.start % 16 == 0 or not rows for rows in ranges)
    assert max(map(len, ranges)) < 16 * (math.ceil(images // 16 / world_size) + 1)


@pytest.mark.usefixtures("chunks_of_16")
def test_the_last_chunk_takes_the_rest():
    assert list(chunks(range(32, 75))) == [range(32, 48), range(48, 75)]
    assert list(chunks(range(16, 48))) == [range(16, 32), range(32, 48)]
    assert list(chunks(range(0, 5))) == [range(0, 5)]
    assert list(chunks(range(16, 16))) == []


@pytest.mark.parametrize("images", [4000, 4097, 9001])
def test_equals_faiss_s_flat_index(images: int):
    points = noise(images, 16)
    index = faiss.IndexFlatIP(16)
    index.add(points)
    similarity, row = index.search(points, 4)
    found = mine_neighbors(points, np.arange(images), k=3, gpus=()).neighbors
    assert np.array_equal(row[:, 0], np.arange(images))
    assert np.array_equal(found.neighbor_id, row[:, 1:])
    np.testing.assert_allclose(found.similarity, similarity[:, 1:], rtol=0, atol=1e-6)


def test_no_neighbors():
    assert mine_neighbors(unit(np.eye(3)), np.arange(3), k=0, gpus=()).neighbors.neighbor_id.shape == (3, 0)


def test_too_many_neighbors_name_the_parameter():
    with pytest.raises(ValueError, match="3 neighbors of each of 3 images, expected at most 2"):
        mine_neighbors(unit(np.eye(3)), np.arange(3), k=3, gpus=())


def test_similarities_are_clipped():
    points = np.array([[1.01, 0], [1.01, 0]], np.float32)
    assert mine_neighbors(points, np.arange(2), k=1, gpus=()).neighbors.similarity.tolist() == [[1], [1]]
