import math

import pytest
import torch
import torch.nn.functional as F

from scan_core.encoders.pretext_model import projection_head
from scan_core.encoders.resnet import ResNet
from scan_core.pretext.feature_decoupling import FeatureDecoupling, halves
from scan_core.pretext.rotnet import turned


def task() -> FeatureDecoupling:
    torch.manual_seed(0)
    encoder = ResNet("resnet10", width=2, stem="3x3", channels=1)
    settings = {"batch_norm": False, "negatives": 4, "temperature": 0.5, "bank_momentum": 0.5}
    return FeatureDecoupling(encoder, images=6, batch_size=3, projection_dim=3, **settings)


def test_the_halves_of_the_features_are_kept_apart():
    head = projection_head(6, hidden_dim=None, projection_dim=7, batch_norm=False, split=4)
    features = torch.randn(2, 6, requires_grad=True)
    for outputs, blind in ((head(features)[:, :4], slice(3, 6)), (head(features)[:, 4:], slice(0, 3))):
        (gradient,) = torch.autograd.grad(outputs.sum(), features)
        assert not gradient[:, blind].any()
        assert gradient.any()


def test_projections_are_in_the_order_of_the_rotations():
    found, views = task().eval(), torch.randn(3, 1, 8, 8)
    torch.testing.assert_close(found.project(found.learned, views), found.model(turned(views)))


def test_a_loss_above_chance_is_no_chance_where_images_find_their_vectors():
    found = task()
    above, often = 1.1 * found.chance, 0.6  # halfway to always from 0.2, chance among the own and 4 others
    assert found.at_chance({"loss": above, "contrastive_accuracy": often})
    assert not found.at_chance({"loss": above, "contrastive_accuracy": often + 0.01})
    assert not found.at_chance({"loss": 0.9 * found.chance, "contrastive_accuracy": 0.0})


def test_loss_is_the_sum_of_its_three_parts():
    found, rows = task(), torch.tensor([2, 0, 5])
    projections = torch.randn(12, 7, generator=torch.Generator().manual_seed(1))
    unit = F.normalize(projections[:, 4:], dim=1).view(4, 3, 3)
    rotation = F.cross_entropy(projections[:, :4], torch.tensor([0] * 3 + [1] * 3 + [2] * 3 + [3] * 3))
    spread = sum((unit[turn, image] - unit[:, image].mean(0)).square().sum() for turn in range(4) for image in range(3))
    instances, _ = task().bank.loss(unit.mean(0), rows)
    expected = rotation + spread / 12 + instances
    assert found.loss(projections, rows)[0].item() == pytest.approx(expected.item(), rel=1e-5)


def test_chance_is_that_of_both_tasks():
    assert task().chance == pytest.approx(math.log(4) + math.log1p(4) + 4 * math.log1p(1 / 4))


def test_the_bank_keeps_the_mean_of_the_turns():
    found, projections = task(), torch.randn(12, 7)
    found.bank.vectors[1] = 0
    found.after_step(projections, torch.tensor([1, 2, 3]), torch.tensor(False))
    torch.testing.assert_close(found.bank.vectors[1], F.normalize(halves(projections).means[0], dim=0))
