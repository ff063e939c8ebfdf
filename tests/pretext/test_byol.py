import pytest
import torch

from scan_core.encoders.resnet import ResNet
from scan_core.pretext.byol import BYOL, byol_loss


def task() -> BYOL:
    torch.manual_seed(0)
    encoder = ResNet("resnet10", width=2, stem="3x3", channels=1)
    return BYOL(encoder, images=8, batch_size=4, momentum=0.75, hidden_dim=6, projection_dim=3, batch_norm=True)


def test_loss_by_hand():
    predictions, targets = torch.tensor([[2.0, 0.0], [3.0, 3.0]]), torch.tensor([[0.0, 5.0], [1.0, 1.0]])
    assert byol_loss(predictions, targets).item() == pytest.approx(1.0)  # 2 at a right angle, 0 in one direction


def test_each_view_predicts_the_other_one_s_target():
    first, second = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    crossed, accuracy = task().loss(torch.cat([first, second, second, first]), torch.arange(2))
    assert (crossed.item(), accuracy.item()) == (0, 1)
    own, accuracy = task().loss(torch.cat([first, second, first, second]), torch.arange(2))
    assert (own.item(), accuracy.item()) == (4, 0)


def test_both_directions_count():
    # One direction is at 0, the other at a right angle, 2.
    views, others = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    for targets in ([views, others], [others, views]):
        assert task().loss(torch.cat([views, views, *targets]), torch.arange(2))[0].item() == pytest.approx(2)


def test_targets_come_second_and_are_standardized_over_the_batch():
    byol, views = task(), torch.randn(8, 1, 8, 8)
    targets = byol.project(byol.learned, views)[8:]
    torch.testing.assert_close(targets, byol.target(views))
    torch.testing.assert_close(targets.mean(dim=0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(targets.std(dim=0, correction=0), torch.ones(3), atol=1e-3, rtol=0)


def test_the_predictor_learns_and_the_target_does_not():
    byol = task()
    projections = byol.project(byol.learned, torch.randn(8, 1, 8, 8))
    byol.loss(projections, torch.arange(4))[0].backward()
    assert all(weight.grad is not None for part in (byol.model, byol.predictor) for weight in part.parameters())
    assert all(weight.grad is None for weight in byol.target.parameters())


def test_the_target_follows_the_model():
    byol = task()
    name, weight = next(iter(byol.model.named_parameters()))
    before = dict(byol.target.named_parameters())[name].clone()
    with torch.no_grad():
        weight.add_(4.0)
    byol.after_step(torch.empty(0, 3), torch.arange(4), torch.tensor(False))
    torch.testing.assert_close(dict(byol.target.named_parameters())[name], before + 1.0)


def test_a_model_that_says_the_same_of_every_image_is_at_chance():
    assert task().at_chance({"loss": 0.0, "contrastive_accuracy": 0.5})
    assert not task().at_chance({"loss": 0.0, "contrastive_accuracy": 0.9})
