import math

import pytest
import torch

from scan_core.clustering import verdict
from scan_core.clustering.verdict import Clustering, draw_sample


def describe(logits: torch.Tensor, neighbors: torch.Tensor, *, threshold: float = 0.5) -> Clustering:
    return verdict.describe(logits, neighbors, threshold=threshold)


def one_hot(clusters: list[int], count: int = 3) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(clusters), count).float()


def test_agreement_by_hand():
    # Neighbors: 0-1 and 1-0 agree, 2-3 and 3-2 do not. Shares 1/2, 1/4, 1/4 of both: by chance 3/8.
    found = describe(one_hot([0, 0, 1, 2]), torch.tensor([[1], [0], [3], [2]]))
    assert found.sizes.tolist() == [2, 1, 1]
    assert found.agreement == pytest.approx((1 / 2 - 3 / 8) / (1 - 3 / 8))


def test_agreement_at_its_ends():
    pairs = torch.tensor([[1], [0], [3], [2]])
    assert describe(one_hot([0, 0, 1, 1]), pairs).agreement == pytest.approx(1)
    assert describe(one_hot([0, 1, 0, 1]), pairs).agreement == pytest.approx(-1)
    assert describe(one_hot([1, 1, 1, 1]), pairs).agreement == 0  # one cluster tells nothing
    assert describe(one_hot([1, 0, 1, 1]), torch.empty(4, 0, dtype=torch.int64)).agreement == 1


def test_chance_is_by_the_clusters_of_anchors_and_of_neighbors():
    # Anchors in clusters 0, 0, 1, all their neighbors in 0: 2/3 agree, and 2/3 x 1 + 1/3 x 0 would by chance.
    found = describe(one_hot([0, 0, 1, 0]), torch.tensor([[3], [3], [3]]))
    assert found.agreement == pytest.approx(0, abs=1e-6)


def test_entropy_is_that_of_the_anchors():
    found = describe(torch.tensor([[9.0, -9.0], [-9.0, 9.0], [9.0, -9.0], [9.0, -9.0]]), torch.tensor([[2], [3]]))
    assert found.entropy == pytest.approx(math.log(2))


def test_entropy_of_the_mean_prediction():
    found = describe(torch.tensor([[9.0, -9.0], [-9.0, 9.0]]), torch.tensor([[1], [0]]))
    assert found.entropy == pytest.approx(math.log(2))


def test_the_smallest_confident_share_of_a_cluster_is_that_of_the_anchors():
    sure, unsure = [9.0, 0.0, 0.0], [1.0, 0.0, 0.0]  # 0.9998 and 0.58
    first, second, third = (torch.tensor([sure, unsure]).roll(place, 1) for place in range(3))
    anchors = torch.cat([first[[0, 0, 0, 1]], second[[0, 1, 1, 1]], third[[1, 1]]])  # two of the third do not count
    neighbors = torch.arange(10)[:, None] + 10
    found = describe(torch.cat([anchors, -anchors]), neighbors, threshold=0.9)
    assert found.confident == pytest.approx(0.25)
    assert describe(torch.cat([anchors, -anchors]), neighbors, threshold=0.5).confident == 1
    assert describe(anchors[8:].repeat(2, 1), torch.tensor([[2], [3]]), threshold=0.5).confident == 0


def clustering(sizes: list[int], entropy: float = 1.0, agreement: float = 0.5, confident: float = 0.0) -> Clustering:
    return Clustering(torch.tensor(sizes), entropy, agreement, confident)


def test_a_cluster_is_lost_with_nine_tenths_of_its_images():
    before = clustering([100, 100, 5, 2])
    assert clustering([10, 190, 5, 2]).lost(before) == 0
    assert clustering([9, 191, 5, 2]).lost(before) == 1
    assert clustering([0, 205, 0, 2]).lost(before) == 2
    assert clustering([100, 102, 5, 0]).lost(before) == 0  # of two, a sample may miss both


def test_no_worse():
    before = clustering([50, 50])
    assert before.is_no_worse(before)
    assert clustering([55, 45], entropy=0.981, agreement=0.376).is_no_worse(before)
    assert not clustering([55, 45], entropy=0.979, agreement=0.9).is_no_worse(before)
    assert not clustering([55, 45], entropy=1.0, agreement=0.374).is_no_worse(before)
    assert not clustering([96, 4], entropy=1.0, agreement=0.9).is_no_worse(before)


def test_the_same_clusters_are_no_worse_where_neighbors_disagree():
    before = clustering([50, 50], agreement=-0.2)
    assert before.is_no_worse(before)
    assert clustering([50, 50], agreement=-0.24).is_no_worse(before)
    assert not clustering([50, 50], agreement=-0.26).is_no_worse(before)


def test_entropy_may_fall_further_while_each_cluster_has_confident_images():
    before = clustering([50, 50], confident=0.2)
    assert clustering([80, 20], entropy=0.751, confident=0.2).is_no_worse(before)
    assert not clustering([80, 20], entropy=0.749, confident=0.9).is_no_worse(before)
    assert not clustering([80, 20], entropy=0.97, confident=0.19).is_no_worse(before)
    assert not clustering([80, 20], entropy=0.97, confident=0.9).is_no_worse(before._replace(confident=0.19))
    assert not clustering([80, 20], entropy=0.9, agreement=0.374, confident=0.9).is_no_worse(before)
    assert not clustering([4, 96], entropy=0.9, confident=0.9).is_no_worse(before)
    assert not clustering([50, 50], entropy=math.nan, confident=0.9).is_no_worse(before)


def test_of_few_images_all_are_looked_at():
    rows = torch.tensor([[1, 2], [0, 2], [0, 1]])
    sample = draw_sample(rows, 2, torch.Generator())
    assert sample.rows.tolist() == [0, 1, 2]
    assert torch.equal(sample.neighbors, rows)


@pytest.mark.parametrize(("neighbors", "clusters", "count"), [(0, 2, 20), (3, 2, 20), (3, 4, 40)])
def test_of_many_images_some_and_a_neighbor_of_each(
    neighbors: int, clusters: int, count: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(verdict, "ALL", 50)
    monkeypatch.setattr(verdict, "ANCHORS", 20)
    monkeypatch.setattr(verdict, "PER_CLUSTER", 10)
    rows = (torch.arange(100)[:, None] + torch.arange(1, neighbors + 1)) % 100
    sample = draw_sample(rows, clusters, torch.Generator().manual_seed(0))
    anchors = sample.rows[:count]
    assert len(set(anchors.tolist())) == count
    assert sample.neighbors.shape == (count, min(neighbors, 1))
    for anchor, position in zip(anchors, sample.neighbors, strict=True):
        assert all(sample.rows[p] in rows[anchor] for p in position)
    if neighbors:
        drawn = (sample.rows[sample.neighbors[:, 0]] - anchors) % 100  # of the neighbors 1, 2 and 3 places further
        assert drawn.unique().tolist() == [1, 2, 3]
