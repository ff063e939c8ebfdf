import numpy as np
import torch

from scan_core.artifacts.standardization import Standardization
from scan_core.clustering import kmeans_init
from scan_core.clustering.kmeans_init import MARGIN, kmeans_centers, start_from_kmeans
from scan_core.clustering.model import ClusterHeads

POINTS = torch.tensor([[0.0, 0.0], [0.0, 2.0], [10.0, 0.0], [10.0, 2.0], [0.0, 40.0], [0.0, 42.0]])


def test_each_image_is_surest_of_the_nearest_center():
    heads = ClusterHeads(2, 3, 2)
    start_from_kmeans(heads, POINTS, seed=0)
    logits = heads(POINTS)
    centers, sizes = kmeans_centers(POINTS, 3, seed=int(np.random.SeedSequence(0).generate_state(2)[0]))
    assert sizes.tolist() == [2, 2, 2]
    assert torch.equal(logits[0].argmax(1), torch.cdist(POINTS, centers).argmin(1))
    assert sorted(centers.tolist()) == [[0.0, 1.0], [0.0, 41.0], [10.0, 1.0]]
    for head in logits:
        assert head.argmax(1).view(3, 2).diff(dim=1).eq(0).all()
        two = head.topk(2).values
        torch.testing.assert_close((two[:, 0] - two[:, 1]).mean(), torch.tensor(MARGIN))


def test_the_largest_share_starts_from_the_largest_cluster():
    near = torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
    points = torch.cat([near[:10], near[10:40] + 100, near[40:] - 100])  # 10, 30 and 20 images
    for prior in ([0.1, 0.5, 0.4], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]):
        heads = ClusterHeads(2, 3, 2)
        start_from_kmeans(heads, points, seed=0, prior=prior)
        for head in heads(points):
            sizes = head.argmax(1).bincount(minlength=3)
            assert sizes.argmax() == torch.tensor(prior).argmax()
            assert sorted(sizes.tolist()) == [10, 20, 30]
            if len(set(prior)) == 3:
                assert torch.equal(sizes.argsort(), torch.tensor(prior).argsort())


def test_heads_that_take_features_as_they_are_give_the_same_logits():
    standardization = Standardization(2)
    standardization.center.copy_(torch.tensor([3.0, -1.0]))
    standardization.scale.copy_(torch.tensor([0.5, 20.0]))
    points, inside, outside = standardization(POINTS), ClusterHeads(2, 3, 1), ClusterHeads(2, 3, 1)
    start_from_kmeans(inside, points, seed=0)
    start_from_kmeans(outside, points, seed=0, standardization=standardization)
    torch.testing.assert_close(outside(POINTS), inside(points))


def test_many_images_start_as_at_once(monkeypatch):
    points, parts, whole = torch.randn(50, 2), ClusterHeads(2, 3, 1), ClusterHeads(2, 3, 1)
    start_from_kmeans(whole, points, seed=0)
    monkeypatch.setattr(kmeans_init, "_CHUNK", 16)
    start_from_kmeans(parts, points, seed=0)
    torch.testing.assert_close(parts.state_dict(), whole.state_dict())


def test_images_that_are_all_alike():
    heads = ClusterHeads(2, 2, 1)
    start_from_kmeans(heads, torch.ones(4, 2), seed=0)
    assert heads(torch.ones(4, 2)).isfinite().all()
