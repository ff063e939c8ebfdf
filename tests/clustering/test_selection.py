import pytest
import torch

from scan_core.clustering.scan_loss import scan_loss
from scan_core.clustering.selection import best_head, selection_loss
from scan_core.errors import TrainingError


def test_averages_the_loss_over_all_neighbors():
    torch.manual_seed(0)
    logits = torch.randn(6, 3)
    neighbors = torch.tensor([[1, 2], [0, 2], [0, 1], [4, 5], [3, 5], [3, 4]])
    found = selection_loss(logits, neighbors, entropy_weight=2.0, prior=None)
    columns = [scan_loss(logits, logits[neighbors[:, k]], entropy_weight=2.0).total for k in range(2)]
    assert torch.allclose(found.total, torch.stack(columns).mean(0), atol=1e-6)


def test_without_neighbors_each_image_is_its_own_partner():
    logits = torch.randn(5, 3)
    found = selection_loss(logits, torch.empty(5, 0, dtype=torch.int64), entropy_weight=1.0, prior=None)
    assert found.total.item() == pytest.approx(scan_loss(logits, logits, entropy_weight=1.0).total.item(), abs=1e-6)


def test_the_best_head_has_the_lowest_loss():
    assert best_head(torch.tensor([0.5, -1.0, 2.0]), learning_rate=0.1) == 1


def test_a_head_whose_loss_is_not_finite_stops_the_training():
    with pytest.raises(TrainingError, match=r"not finite after this epoch \(learning rate 0\.1\)"):
        best_head(torch.tensor([0.5, torch.nan]), learning_rate=0.1)
