import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scan_core.clustering.scan_loss import scan_loss


def test_uniform_logits():
    # <p, q> = 4 * (1/4)^2 = 1/4, so consistency = log 4; H = log 4.
    loss = scan_loss(torch.zeros(3, 4), torch.zeros(3, 4), entropy_weight=5.0)
    assert loss.consistency.item() == pytest.approx(math.log(4))
    assert loss.entropy.item() == pytest.approx(math.log(4))
    assert loss.total.item() == pytest.approx(-4 * math.log(4))


def test_two_clusters_by_hand():
    # p = (0.9, 0.1) and (0.3, 0.7), q = (0.8, 0.2) and (0.5, 0.5); the mean of p is (0.6, 0.4).
    p, q = torch.tensor([[0.9, 0.1], [0.3, 0.7]]), torch.tensor([[0.8, 0.2], [0.5, 0.5]])
    loss = scan_loss(p.log(), q.log(), entropy_weight=2.0)
    consistency = -(math.log(0.72 + 0.02) + math.log(0.15 + 0.35)) / 2
    entropy = -(0.6 * math.log(0.6) + 0.4 * math.log(0.4))
    assert loss.consistency.item() == pytest.approx(consistency)
    assert loss.entropy.item() == pytest.approx(entropy)
    assert loss.total.item() == pytest.approx(consistency - 2 * entropy)


def test_gradient_survives_confident_disagreement():
    # p = (1, e^-g), q = (e^-g, 1): <p, q> is about 2 e^-g, and d(-log<p, q>)/d(logit) is 1/2 for each of p's logits.
    for gap in (60.0, 100.0):
        anchor = torch.tensor([[gap, 0.0]], requires_grad=True)
        scan_loss(anchor, torch.tensor([[0.0, gap]]), entropy_weight=0.0).total.backward()
        assert anchor.grad is not None
        assert anchor.grad[0].tolist() == pytest.approx([0.5, -0.5], rel=1e-4)  # logits of 100 in float32


def test_is_computed_in_float32():
    logits = torch.tensor([[30.0, 0.0]], dtype=torch.bfloat16)
    loss = scan_loss(logits, logits, entropy_weight=1.0)
    assert loss.total.dtype == torch.float32
    assert 0 <= loss.consistency.item() < 1e-6


def test_matches_float64_reference_and_its_gradient():
    torch.manual_seed(0)
    anchor, neighbor = torch.randn(2, 8, 5, dtype=torch.float64, requires_grad=True), torch.randn(2, 8, 5).double()
    p, q = anchor.softmax(-1), neighbor.softmax(-1)
    mean = p.mean(1)
    reference = -(p * q).sum(-1).log().mean(-1) + 3 * (mean * mean.log()).sum(-1)
    (expected,) = torch.autograd.grad(reference.sum(), anchor)
    single = anchor.detach().float().requires_grad_()
    loss = scan_loss(single, neighbor.float(), entropy_weight=3.0).total
    (found,) = torch.autograd.grad(loss.sum(), single)
    assert torch.allclose(loss.double(), reference, atol=1e-5)
    assert torch.allclose(found.double(), expected, atol=1e-6)


def test_heads_are_independent():
    torch.manual_seed(0)
    anchor, neighbor = torch.randn(3, 6, 4), torch.randn(3, 6, 4)
    together = scan_loss(anchor, neighbor, entropy_weight=2.0).total
    apart = [scan_loss(a, b, entropy_weight=2.0).total for a, b in zip(anchor, neighbor, strict=True)]
    assert torch.allclose(together, torch.stack(apart))


def test_uniform_prior_is_the_entropy_term_up_to_a_constant():
    # KL(m || uniform) = log C - H(m)
    torch.manual_seed(0)
    anchor, neighbor = torch.randn(6, 4), torch.randn(6, 4)
    plain = scan_loss(anchor, neighbor, entropy_weight=2.0)
    known = scan_loss(anchor, neighbor, entropy_weight=2.0, prior=torch.full((4,), 0.25))
    assert (known.total - plain.total).item() == pytest.approx(2 * math.log(4), abs=1e-5)


def test_prior_term_vanishes_where_the_mean_prediction_is_the_prior():
    p = torch.tensor([[0.9, 0.1], [0.5, 0.5]])
    loss = scan_loss(p.log(), p.log(), entropy_weight=7.0, prior=torch.tensor([0.7, 0.3]))
    assert loss.total.item() == pytest.approx(loss.consistency.item(), abs=1e-5)


@given(st.integers(2, 12), st.integers(1, 8), st.integers(0, 2**31))
def test_bounds(clusters: int, batch: int, seed: int):
    generator = torch.Generator().manual_seed(seed)
    anchor, neighbor = (5 * torch.randn(batch, clusters, generator=generator) for _ in range(2))
    loss = scan_loss(anchor, neighbor, entropy_weight=1.0)
    assert loss.consistency >= -1e-6
    assert -1e-6 <= loss.entropy <= math.log(clusters) + 1e-5
