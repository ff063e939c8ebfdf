import pytest
import torch

from scan_core.clustering import neighbor_consistency as module
from scan_core.clustering.neighbor_consistency import neighbor_consistency
from scan_core.clustering.selection import selection_loss


@pytest.mark.parametrize("neighbors", [0, 3])
@pytest.mark.parametrize("scale", [1.0, 200.0])  # with 200, products underflow in float32
def test_it_is_the_selection_loss_without_entropy(monkeypatch, neighbors: int, scale: float):
    monkeypatch.setattr(module, "_CHUNK", 64)
    torch.manual_seed(0)
    logits, rows = scale * torch.randn(50, 6), torch.randint(50, (50, neighbors))
    expected = selection_loss(logits[None], rows, entropy_weight=0.0, prior=None).total.item()
    assert neighbor_consistency(logits.log_softmax(-1), rows).item() == pytest.approx(expected, rel=1e-5)


def test_confident_and_opposed_by_hand():
    # log p = (0, -500) and (-500, 0): <p, q> = 2 exp(-500), which no float32 holds.
    logits = torch.tensor([[500.0, 0.0], [0.0, 500.0]])
    found = neighbor_consistency(logits.log_softmax(-1), torch.tensor([[1], [0]]))
    assert found.item() == pytest.approx(500 - 0.693147, rel=1e-6)
