import pytest
import torch

from scan_core.clustering.objective import scan_objective


def test_a_prior_need_not_sum_to_one():
    logits = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    alone = torch.empty(4, 0, dtype=torch.int64)
    shares, counts = (scan_objective(entropy_weight=3.0, prior=prior) for prior in ([0.75, 0.25], [30.0, 10.0]))
    assert shares.loss(logits, logits).total.item() == pytest.approx(counts.loss(logits, logits).total.item())
    # Each image as its own only neighbor: what is selected by is what is minimized.
    assert shares.selection(logits, alone).total.item() == pytest.approx(shares.loss(logits, logits).total.item())
