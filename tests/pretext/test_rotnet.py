import math

import pytest
import torch

from scan_core.encoders.resnet import ResNet
from scan_core.pretext.rotnet import RotNet, rotation_loss, turned


def test_images_are_turned_counterclockwise():
    image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert turned(image)[:, 0].tolist() == [[[1, 2], [3, 4]], [[2, 4], [1, 3]], [[4, 3], [2, 1]], [[3, 1], [4, 2]]]


def test_projections_are_in_the_order_of_the_rotations():
    task = RotNet(ResNet("resnet10", width=2, stem="3x3", channels=1), images=3, batch_size=3).eval()
    views = torch.randn(3, 1, 8, 8)
    torch.testing.assert_close(task.project(task.learned, views), task.model(turned(views)))


def test_equal_logits_are_at_chance():
    task = RotNet(ResNet("resnet10", width=2, stem="3x3", channels=1), images=3, batch_size=3)
    loss, _ = task.loss(torch.zeros(12, 4), torch.arange(3))
    assert task.chance == pytest.approx(loss.item())


def test_loss_by_hand():
    logits = torch.zeros(8, 4)
    loss, _ = rotation_loss(logits)
    assert loss.item() == pytest.approx(math.log(4))
    logits[range(8), [0, 0, 1, 1, 2, 2, 3, 0]] = math.log(5)  # a probability of 5/8, one of them for the wrong turn
    loss, accuracy = rotation_loss(logits)
    assert loss.item() == pytest.approx((7 * math.log(8 / 5) + math.log(8)) / 8)
    assert accuracy.item() == pytest.approx(7 / 8)
