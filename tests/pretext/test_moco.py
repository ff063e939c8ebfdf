import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from scan_core.encoders.resnet import ResNet
from scan_core.errors import TrainingError
from scan_core.pretext.moco import MoCo, info_nce

ROWS = torch.tensor([2, 0])
HEAD = {"hidden_dim": 4, "projection_dim": 3, "batch_norm": True}


def task(queue: int = 5, batch_size: int = 8) -> MoCo:
    torch.manual_seed(0)
    encoder = ResNet("resnet10", width=2, stem="3x3", channels=1)
    settings = {"temperature": 0.5, "queue": queue, "momentum": 0.75, "norm_group": 2}
    return MoCo(encoder, images=6, batch_size=batch_size, **settings, **HEAD)


def projections() -> Tensor:
    """Two queries, then their keys."""
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(1))


def test_loss_by_hand():
    # The own key at similarity 1, two others at 0, temperature 1: e of e + 2.
    loss, accuracy = info_nce(torch.ones(3), torch.zeros(3, 2), temperature=1.0)
    assert loss.item() == pytest.approx(-math.log(math.e / (math.e + 2)))
    assert accuracy.item() == 1


def test_the_nearest_of_all_keys_counts_for_the_accuracy():
    _, accuracy = info_nce(torch.tensor([0.5, 0.5]), torch.tensor([[0.9, 0.1], [0.4, 0.1]]), temperature=1.0)
    assert accuracy.item() == 0.5


def test_keys_have_length_1_from_the_start():
    torch.testing.assert_close(task().keys.norm(dim=1), torch.ones(5))


def test_a_query_and_its_key_are_normalized_with_different_images():
    # Groups of two of the eight images: 0 and 1, 2 and 3, ... of the queries; 0 and 4, 1 and 5, ... of the keys.
    found, views = task(), torch.randn(16, 1, 8, 8)
    before = found.project(found.model, views)

    def depend_on(view: int) -> list[int]:
        other = views.clone()
        other[view] = torch.randn(1, 8, 8)
        return (found.project(found.model, other) - before).abs().amax(dim=1).gt(1e-5).nonzero().flatten().tolist()

    assert depend_on(7) == [6, 7]
    assert depend_on(8 + 7) == [8 + 3, 8 + 7]


def test_a_task_that_tells_nothing_has_the_loss_of_chance():
    blind = task(queue=12)
    blind.keys[:] = torch.tensor([1.0, 0.0, 0.0])
    blind.key_rows[:] = torch.arange(6).repeat(2)  # as many keys of each image
    loss, accuracy = blind.loss(torch.tensor([[1.0, 0.0, 0.0]]).expand(4, -1), ROWS)
    assert accuracy == 0
    assert loss.item() == pytest.approx(blind.chance) == pytest.approx(math.log(1 + 10))


def test_keys_of_the_image_itself_are_no_negatives():
    found = task()
    q, k = F.normalize(projections(), dim=1).chunk(2)
    found.key_rows[:] = torch.tensor([0, 1, 2, 2, 5])
    first = torch.cat([(q[0] @ k[0])[None], found.keys[[0, 1, 4]] @ q[0]]) / 0.5
    second = torch.cat([(q[1] @ k[1])[None], found.keys[[1, 2, 3, 4]] @ q[1]]) / 0.5
    expected = -(first.log_softmax(0)[0] + second.log_softmax(0)[0]) / 2
    assert found.loss(projections(), ROWS)[0].item() == pytest.approx(expected.item(), rel=1e-5)


def test_new_keys_take_the_place_of_the_oldest():
    found = task()
    before, keys = found.keys.clone(), F.normalize(projections()[2:], dim=1)
    found.after_step(projections(), ROWS, torch.tensor(False))
    torch.testing.assert_close(found.keys, torch.cat([before[2:], keys]))
    assert found.key_rows.tolist() == [-1, -1, -1, 2, 0]


def test_of_a_batch_longer_than_the_queue_the_last_keys_stay():
    found = task(queue=1)
    found.after_step(projections(), ROWS, torch.tensor(False))
    assert found.key_rows.tolist() == [0]


def test_a_broken_step_leaves_the_queue_alone():
    found = task()
    before = found.keys.clone()
    found.after_step(torch.full((4, 3), torch.nan), ROWS, torch.tensor(True))
    assert torch.equal(found.keys, before)
    assert found.key_rows.tolist() == [-1] * 5


def test_the_key_model_follows_slowly_and_alone():
    found = task()
    weight, key_weight = found.model.encoder.conv1.weight, found.key_model.encoder.conv1.weight
    before = key_weight.clone()
    with torch.no_grad():
        weight += 1
    found.after_step(projections(), ROWS, torch.tensor(False))
    torch.testing.assert_close(key_weight, before + 0.25)
    torch.testing.assert_close(weight, before + 1)


def test_gradient_reaches_the_queries_alone():
    given = projections().requires_grad_()
    task().loss(given, ROWS)[0].backward()
    assert given.grad[:2].abs().sum() > 0
    found = task()
    views = torch.randn(16, 1, 8, 8)
    found.loss(found.project(found.model, views), torch.arange(8) % 6)[0].backward()
    assert all(parameter.grad is None for parameter in found.key_model.parameters())
    assert found.model.encoder.conv1.weight.grad.abs().sum() > 0


def test_keys_come_in_the_order_of_their_images():
    # Where all images are alike but one, that one's key differs most from the others, wherever it stands.
    found, views = task(), torch.zeros(32, 1, 8, 8)
    views[16 + 5] = torch.randn(1, 8, 8)
    keys = F.normalize(found.project(found.model, views)[16:], dim=1)
    assert (keys @ keys.T).sum(dim=1).argmin() == 5


def test_a_batch_too_small_for_the_groups_is_refused_before_the_training():
    with pytest.raises(TrainingError, match="7 images in a batch, expected at least 8"):
        task(batch_size=7)
