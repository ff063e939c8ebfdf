import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from scan_core.encoders.resnet import ResNet
from scan_core.pretext.memory_bank import chance_loss, nce_loss
from scan_core.pretext.nce import NCE

ROWS = torch.tensor([2, 0, 5])


def task(images: int = 6, **settings: float) -> NCE:
    torch.manual_seed(0)
    settings = {"negatives": 4, "temperature": 0.5, "bank_momentum": 0.5, "proximal_weight": 0.0, **settings}
    encoder = ResNet("resnet10", width=2, stem="3x3", channels=1)
    return NCE(encoder, images=images, batch_size=3, projection_dim=3, batch_norm=False, **settings)


def projections() -> Tensor:
    return torch.randn(3, 3, generator=torch.Generator().manual_seed(1))


def test_loss_by_hand():
    # Odds of 1 for the own vector: log 2. Odds of 3 for each of two drawn as noise: 2 log 4.
    loss = nce_loss(torch.zeros(5), torch.full((5, 2), math.log(3)))
    assert loss.item() == pytest.approx(math.log(2) + 2 * math.log(4))


def test_chance_by_hand():
    # One negative, as likely as the own vector: h = 1/2 for both.
    assert chance_loss(1) == pytest.approx(2 * math.log(2))


def test_a_task_that_tells_nothing_has_the_loss_of_chance():
    # Every similarity is 1, so that Z estimates itself exactly.
    blind = task()
    blind.bank.vectors[:] = torch.tensor([1.0, 0.0, 0.0])
    loss, _ = blind.loss(torch.tensor([[1.0, 0.0, 0.0]]).expand(3, -1), ROWS)
    assert loss.item() == pytest.approx(blind.chance)


def test_other_odds_than_equal_ones_are_no_better_than_chance():
    odds = torch.linspace(-3, 3, 61)[:, None]
    losses = [nce_loss(o - math.log(7), (o - math.log(7)).expand(1, 7)).item() for o in odds]
    assert min(losses) == pytest.approx(chance_loss(7))


def test_equals_the_definition_in_probabilities():
    found = task(proximal_weight=2.0)
    v, bank = F.normalize(projections(), dim=1).double(), found.bank.vectors.double()
    draw = torch.Generator()
    draw.set_state(found.bank.get_extra_state())
    drawn = torch.randint(6, (4,), generator=draw)
    e = (v @ bank.T / 0.5).exp()
    p = e / (6 * e[:, drawn].mean())
    h = p / (p + 4 / 6)
    own = h[torch.arange(3), ROWS]
    expected = -own.log() - (1 - h[:, drawn]).log().sum(1) + 2 * (v - bank[ROWS]).square().sum(1)
    assert found.loss(projections(), ROWS)[0].item() == pytest.approx(expected.mean().item(), rel=1e-5)


def test_the_partition_constant_is_that_of_the_first_batch():
    found = task()
    found.loss(projections(), ROWS)
    first = found.bank.log_z.clone()
    found.loss(-projections(), ROWS)
    assert torch.equal(found.bank.log_z, first)


def test_no_gradient_flows_through_the_partition_constant():
    first, later = task(), task()
    gradients = []
    for found in (first, later):
        views = projections().requires_grad_()
        found.loss(views, ROWS)[0].backward()
        gradients.append(views.grad)
        later.bank.log_z.copy_(first.bank.log_z)  # the second bank has it from before
    torch.testing.assert_close(*gradients)


def test_accuracy_by_hand():
    # 64 draws have all six vectors. The first two views are their images' vectors; the third is nearer to image 0's.
    found = task(negatives=64)
    found.bank.vectors[:] = torch.cat([torch.eye(3), -torch.eye(3)])
    views = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.8, 0.0, 0.6]])
    assert found.loss(views, torch.tensor([0, 1, 2]))[1].item() == pytest.approx(2 / 3)


def test_vectors_have_length_1_from_the_start():
    torch.testing.assert_close(task().bank.vectors.norm(dim=1), torch.ones(6))


def test_a_saved_bank_goes_on_with_the_same_negatives():
    found, other = task(), task()
    found.loss(projections(), ROWS)
    other.load_state_dict(found.state_dict())
    assert torch.equal(found.loss(projections(), ROWS)[0], other.loss(projections(), ROWS)[0])


def test_a_broken_first_batch_leaves_the_partition_constant_to_the_next():
    found = task()
    found.loss(torch.full((3, 3), torch.nan), ROWS)
    found.loss(projections(), ROWS)
    assert found.bank.log_z.isfinite()


def test_the_bank_moves_towards_the_views_of_the_batch():
    found, views = task(bank_momentum=0.75), projections()
    before = found.bank.vectors.clone()
    found.after_step(views, ROWS, torch.tensor(False))
    moved = 0.75 * before[ROWS] + 0.25 * views / views.norm(dim=1, keepdim=True)
    torch.testing.assert_close(found.bank.vectors[ROWS], moved / moved.norm(dim=1, keepdim=True))
    others = [1, 3, 4]
    assert torch.equal(found.bank.vectors[others], before[others])


def test_a_broken_step_leaves_the_bank_alone():
    found = task()
    before = found.bank.vectors.clone()
    found.after_step(torch.full((3, 3), torch.nan), ROWS, torch.tensor(True))
    assert torch.equal(found.bank.vectors, before)


def test_gradient_does_not_vanish_where_the_model_is_surely_wrong():
    # By probabilities, 1 - h = 0 in float32 at odds of e^60, and the loss is infinite.
    noise = torch.full((1, 1), 60.0, requires_grad=True)
    loss = nce_loss(torch.zeros(1), noise)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2) + 60)
    assert noise.grad.item() == pytest.approx(1)


def test_is_float32_under_autocast():
    assert task().loss(projections().bfloat16(), ROWS)[0].dtype == torch.float32


def test_fewer_images_than_negatives():
    assert task(images=6, negatives=64).loss(projections(), ROWS)[0].isfinite()
