import math

import pytest
import torch
import torch.nn.functional as F

from scan_core.pretext.nt_xent import chance_loss, nt_xent


def test_two_images_by_hand():
    # Views a, b | a, b, orthogonal, temperature 1: each view sees its pair at similarity 1 and two others at 0.
    views = torch.eye(2)
    loss = nt_xent(views, views, temperature=1.0)
    assert loss.loss.item() == pytest.approx(-math.log(math.e / (math.e + 2)))
    assert loss.accuracy.item() == 1


def test_equals_the_definition_summed_over_all_ordered_pairs():
    first, second = torch.randn(5, 7, dtype=torch.float64), torch.randn(5, 7, dtype=torch.float64)
    z = F.normalize(torch.cat([first, second]), dim=1)
    total = 0.0
    for i in range(10):
        others = [math.exp(float(z[i] @ z[j]) / 0.3) for j in range(10) if j != i]
        total -= math.log(math.exp(float(z[i] @ z[(i + 5) % 10]) / 0.3) / sum(others))
    assert nt_xent(first.float(), second.float(), temperature=0.3).loss.item() == pytest.approx(total / 10, rel=1e-5)


def test_gradient_equals_the_definitions_in_float64():
    torch.manual_seed(0)
    first, second = torch.randn(2, 5, 7, dtype=torch.float64)
    views = torch.cat([first, second]).requires_grad_()
    z = views / views.norm(dim=1, keepdim=True)
    similarity = (z @ z.T / 0.3).exp()
    pairs, others = similarity.diagonal(5), similarity.sum(1) - similarity.diagonal()
    reference = -(torch.cat([pairs, pairs]) / others).log().mean()
    (expected,) = torch.autograd.grad(reference, views)
    single = views.detach().float().requires_grad_()
    (found,) = torch.autograd.grad(nt_xent(*single.chunk(2), temperature=0.3).loss, single)
    assert torch.allclose(found.double(), expected, atol=1e-6)


def test_equal_projections_have_the_loss_of_chance():
    assert nt_xent(torch.ones(4, 3), torch.ones(4, 3), temperature=0.5).loss.item() == pytest.approx(chance_loss(4))


def test_is_symmetric_and_ignores_length():
    first, second = torch.randn(4, 3), torch.randn(4, 3)
    loss = nt_xent(first, second, temperature=0.5).loss
    assert torch.allclose(loss, nt_xent(second, 3 * first, temperature=0.5).loss)


def test_is_float32_under_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        projections = torch.nn.Linear(4, 4)(torch.randn(6, 4))
    assert nt_xent(*projections.chunk(2), temperature=0.1).loss.dtype == torch.float32
