import pytest
import torch

from scan_core.clustering.merge_heads import match_clusters, merge_heads
from scan_core.clustering.model import ClusterHeads


def test_heads_that_number_the_same_clusters_otherwise_are_one():
    torch.manual_seed(0)
    logits = torch.randn(30, 4)
    orders = [torch.tensor([0, 1, 2, 3]), torch.tensor([2, 0, 3, 1]), torch.tensor([3, 2, 1, 0])]
    renumbered = [torch.empty_like(logits).index_copy_(1, order, logits) for order in orders]
    assert torch.equal(match_clusters(renumbered), torch.stack(orders))


def test_a_majority_outvotes_a_head():
    # Two heads say 0, 0, 1, 1; the third, which numbers them the other way round, says so of the first image alone.
    right = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    wrong = torch.tensor([[0.0, 1], [1, 0], [1, 0], [1, 0]])
    weights = {"heads.bias": torch.tensor([[1.0, 2], [3, 4], [5, 9]]), "encoder.x": torch.ones(3)}
    merged, logits = merge_heads(weights, [right, right, wrong], torch.tensor([0, 1, 2]))
    assert logits.argmax(1).tolist() == [0, 0, 1, 1]
    assert logits[1].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert merged["heads.bias"].tolist() == [[pytest.approx((1 + 3 + 9) / 3), pytest.approx((2 + 4 + 5) / 3)]]
    assert merged["encoder.x"].tolist() == [1, 1, 1]


def test_the_merged_head_gives_the_mean_of_the_chosen_heads_logits():
    torch.manual_seed(0)
    heads, features = ClusterHeads(6, 3, 4), torch.randn(40, 6)
    logits = heads(features).detach()
    weights = {f"heads.{name}": value for name, value in heads.state_dict().items()}
    merged, together = merge_heads(weights, list(logits), torch.tensor([2, 0]))
    one = ClusterHeads(6, 3, 1)
    one.load_state_dict({name.removeprefix("heads."): value for name, value in merged.items()})
    torch.testing.assert_close(one(features)[0], together)
    orders = match_clusters([logits[2], logits[0]])
    torch.testing.assert_close(together, (logits[2] + logits[0][:, orders[1]]) / 2)


def test_a_head_is_matched_to_the_sum_of_those_before():
    # The surer second head moves image 2 to cluster 1: 0, 0, 1, 1, 1. The third, 0, 1, 1, 1, 0, agrees on 3 images of
    # 5 as it is; with the first head alone, 0, 0, 0, 1, 1, on 2.
    first = torch.tensor([[1.0, 0], [1, 0], [1, 0], [0, 1], [0, 1]])
    second = 5 * torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1], [0, 1]])
    third = torch.tensor([[1.0, 0], [0, 1], [0, 1], [0, 1], [1, 0]])
    assert match_clusters([first, second, third]).tolist() == [[0, 1], [0, 1], [0, 1]]
