import math

import pytest
import torch

from scan_core.clustering import verdict
from scan_core.clustering.verdict import Clustering, describe, draw_sample


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
    without = describe(one_hot([1, 0, 1, 1]), torch.empty(4, 0, dtype=torch.int64))
    assert (without.agreement, without.information) == (1, 0)


def test_chance_is_by_the_clusters_of_anchors_and_of_neighbors():
    # Anchors in clusters 0, 0, 1, all their neighbors in 0: 2/3 agree, and 2/3 x 1 + 1/3 x 0 would by chance.
    found = describe(one_hot([0, 0, 1, 0]), torch.tensor([[3], [3], [3]]))
    assert found.agreement == pytest.approx(0, abs=1e-6)


def information(clusters: list[int], neighbors: list[list[int]], *, times: int = 30) -> float:
    """Return it with each pair repeated, so that there are enough."""
    return describe(one_hot(clusters), torch.tensor(neighbors).repeat(1, times)).information


def test_information_by_hand():
    pairs = [[1], [0], [3], [2]]
    assert information([0, 0, 1, 1], pairs) == pytest.approx(math.log(2))
    assert information([0, 1, 0, 1], pairs) == pytest.approx(math.log(2))  # the other one, for sure
    assert information([1, 1, 1, 1], pairs) == pytest.approx(0)
    # Pairs 0-0, 0-1, 1-0, 1-1, equally often: the one tells nothing of the other.
    assert information([0, 0, 1, 1], [[0, 2], [1, 3], [0, 2], [1, 3]]) == pytest.approx(0)
    # Pairs 0-0 three times in four, 1-1 once: the entropy of shares 3/4 and 1/4.
    expected = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert information([0, 0, 0, 1], [[1], [2], [0], [3]]) == pytest.approx(expected)


def test_information_of_too_few_pairs_is_none():
    pairs = [[1], [0], [3], [2], [5], [4]]  # 3 x 3 pairs of clusters need 90
    assert information([0, 0, 1, 1, 2, 2], pairs, times=15) == pytest.approx(math.log(3))
    assert information([0, 0, 1, 1, 2, 2], pairs, times=14) == 0


def test_unequal_halves_of_a_class_cost_entropy_but_no_information():
    # Two classes of 60 images, each in two clusters that its images' neighbors are in by chance.
    classes, place = torch.arange(120) // 60, torch.arange(120) % 60
    neighbors = torch.stack([classes * 60 + (place + step) % 60 for step in range(60)], dim=1)
    equal, unequal = (
        describe(50 * one_hot((2 * classes + (place < of_60)).tolist(), 4), neighbors) for of_60 in (30, 48)
    )
    assert equal.entropy - unequal.entropy > 0.1
    assert equal.information == pytest.approx(math.log(2))
    assert unequal.information == pytest.approx(math.log(2))
    assert unequal.is_no_worse(equal)


def test_a_cluster_that_takes_images_of_another_class_costs_entropy_and_information():
    classes, place = torch.arange(120) // 60, torch.arange(120) % 60
    neighbors = torch.stack([classes * 60 + (place + step) % 60 for step in range(60)], dim=1)
    grown = torch.where((classes == 1) & (place < 20), 0, classes)
    before, after = (describe(50 * one_hot(each.tolist(), 2), neighbors) for each in (classes, grown))
    assert before.entropy - after.entropy > 0.02
    assert after.information < before.information - 0.07
    assert not after.is_no_worse(before)


def test_entropy_is_that_of_the_anchors():
    found = describe(torch.tensor([[9.0, -9.0], [-9.0, 9.0], [9.0, -9.0], [9.0, -9.0]]), torch.tensor([[2], [3]]))
    assert found.entropy == pytest.approx(math.log(2))


def test_entropy_of_the_mean_prediction():
    found = describe(torch.tensor([[9.0, -9.0], [-9.0, 9.0]]), torch.tensor([[1], [0]]))
    assert found.entropy == pytest.approx(math.log(2))


def clustering(sizes: list[int], entropy: float = 1.0, agreement: float = 0.5, information: float = 0.0) -> Clustering:
    return Clustering(torch.tensor(sizes), entropy, agreement, information)


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


def test_less_entropy_is_no_worse_with_the_same_information():
    before = clustering([50, 50], information=1.0)
    assert clustering([80, 20], entropy=0.751, information=0.931).is_no_worse(before)
    assert not clustering([80, 20], entropy=0.8, information=0.929).is_no_worse(before)
    assert not clustering([80, 20], entropy=0.749, information=1.0).is_no_worse(before)
    assert not clustering([50, 50], entropy=math.nan, information=1.0).is_no_worse(before)
    assert clustering([50, 50], entropy=1.0, information=0.5).is_no_worse(before)  # neighbors may be wrong
    assert not clustering([80, 20], entropy=0.8, agreement=0.374, information=1.0).is_no_worse(before)
    assert not clustering([4, 96], entropy=0.8, information=1.0).is_no_worse(before)


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
