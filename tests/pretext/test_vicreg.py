import math

import pytest
import torch

from scan_core.encoders.resnet import ResNet
from scan_core.pretext.vicreg import VICReg, vicreg_terms


def task(**weights: float) -> VICReg:
    encoder = ResNet("resnet10", width=2, stem="3x3", channels=1)
    weights = {"invariance_weight": 25.0, "variance_weight": 20.0, "covariance_weight": 1.0, **weights}
    return VICReg(encoder, images=8, batch_size=4, hidden_dim=6, projection_dim=3, batch_norm=True, **weights)


def test_terms_by_hand():
    # Standard deviations: sqrt(2) and sqrt(0.5) / 0.1; the two dimensions of the first views are one.
    first = torch.tensor([[1.0, 0.5], [-1.0, -0.5]])
    second = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    terms = vicreg_terms(first, second)
    assert terms.invariance.item() == pytest.approx(0.125)
    dead = 1 - math.sqrt(1e-4)
    assert terms.variance.item() == pytest.approx(((1 - math.sqrt(0.5 + 1e-4)) / 2 + dead / 2) / 2, rel=1e-5)
    assert terms.covariance.item() == pytest.approx(2 * 1.0**2 / 2)  # covariance of the dimensions: 1, twice


def test_a_model_that_says_the_same_of_every_image_is_at_chance():
    loss, accuracy = task().loss(torch.ones(8, 3), torch.arange(4))
    assert loss.item() == pytest.approx(20 * (1 - math.sqrt(1e-4)))  # no invariance, no covariance, no variance
    assert task().at_chance({"loss": loss.item(), "contrastive_accuracy": accuracy.item()})
    assert not task().at_chance({"loss": 0.0, "contrastive_accuracy": 0.9})


def test_each_term_has_its_own_weight():
    views = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    invariance, variance, covariance = vicreg_terms(*views.chunk(2))
    expected = 25 * invariance + 20 * variance + 3 * covariance
    assert task(covariance_weight=3.0).loss(views, torch.arange(4))[0].item() == pytest.approx(expected.item())


def test_accuracy_compares_the_two_views():
    views = torch.eye(4)
    assert [task().loss(torch.cat([views, other]), torch.arange(4))[1].item() for other in (views, views.flip(0))] == [
        1,
        0,
    ]
