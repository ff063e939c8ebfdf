import math

import pytest
import torch

from scan_core.pretext.rotnet import rotation_loss, turned


def test_images_are_turned_counterclockwise():
    image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert turned(image)[:, 0].tolist() == [[[1, 2], [3, 4]], [[2, 4], [1, 3]], [[4, 3], [2, 1]], [[3, 1], [4, 2]]]


def test_loss_by_hand():
    logits = torch.zeros(8, 4)
    loss, _ = rotation_loss(logits)
    assert loss.item() == pytest.approx(math.log(4))
    logits[range(8), [0, 0, 1, 1, 2, 2, 3, 0]] = math.log(5)  # a probability of 5/8, one of them for the wrong turn
    loss, accuracy = rotation_loss(logits)
    assert loss.item() == pytest.approx((7 * math.log(8 / 5) + math.log(8)) / 8)
    assert accuracy.item() == pytest.approx(7 / 8)
