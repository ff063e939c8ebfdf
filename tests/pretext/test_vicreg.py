import math

import pytest
import torch

from scan_core.encoders.resnet import ResNet
from scan_core.pretext.vicreg import VICReg, vicreg_terms


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
    encoder = ResNet("resnet10", width=2, stem="3x3", channels=1)
    weights = {"invariance_weight": 25.0, "variance_weight": 20.0, "covariance_weight": 1.0}
    task = VICReg(encoder, images=8, batch_size=4, hidden_dim=6, projection_dim=3, batch_norm=True, **weights)
    loss, accuracy = task.loss(torch.ones(8, 3), torch.arange(4))
    assert loss.item() == pytest.approx(20 * (1 - math.sqrt(1e-4)))  # no invariance, no covariance, no variance
    assert task.at_chance({"loss": loss.item(), "contrastive_accuracy": accuracy.item()})
    assert not task.at_chance({"loss": 0.0, "contrastive_accuracy": 0.9})
