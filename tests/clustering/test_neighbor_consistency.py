import pytest
import torch

from scan_core.clustering import neighbor_consistency as module
from scan_core.clustering.neighbor_consistency import neighbor_consistency
from scan_core.clustering.scan_loss import consistency_loss


@pytest.mark.parametrize("neighbors", [0, 3])
@pytest.mark.parametrize("scale", [1.0, 200.0])  # with 200, products underflow in float32
def test_it_is_the_mean_over_all_pairs(monkeypatch, neighbors: int, scale: float):
    monkeypatch.setattr(module, "_CHUNK", 64)
    torch.manual_seed(0)
    log_p, rows = (scale * torch.randn(50, 6)).log_softmax(-1), torch.randint(50, (50, neighbors))
    partners = log_p[rows] if neighbors else log_p[:, None]
    expected = consistency_loss(log_p[:, None].expand_as(partners), partners).mean().item()
    assert neighbor_consistency(log_p, rows).item() == pytest.approx(expected, rel=1e-5)


def test_confident_and_opposed_by_hand():
    # log p = (0, -500) and (-500, 0): <p, q> = 2 exp(-500), which no float32 holds.
    logits = torch.tensor([[500.0, 0.0], [0.0, 500.0]])
    found = neighbor_consistency(logits.log_softmax(-1), torch.tensor([[1], [0]]))
    assert found.item() == pytest.approx(500 - 0.693147, rel=1e-6)
