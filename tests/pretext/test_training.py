"""What PretextTraining does with a task, its views and its optimizer."""

from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from scan_core.errors import TrainingError
from tests.tasks import SMALL_TASKS
from tests.test_resumable_trainings import pretext, simclr_of_small_crops


def test_small_crops_are_those_of_the_first_epochs(tiny_images):
    training, sizes = simclr_of_small_crops(tiny_images), []
    project = training.task.project

    def watched(network: nn.Module, views: Tensor) -> Tensor:
        sizes.append(views.shape[-1])
        return project(network, views)

    training.task.project = watched
    for _ in range(4):
        training.run_epoch()
    assert sizes == [5] * 2 * 3 + [8] * 2 * 3  # three steps an epoch
    assert training.costs == [0.4, 0.4, 1.0, 1.0]


def test_an_epoch_is_in_training_mode(tiny_images):
    training = pretext(SMALL_TASKS["simclr"], tiny_images)
    training.task.eval()
    training.run_epoch()
    assert int(training.model.encoder.bn1.num_batches_tracked) == 3


def test_the_optimizer_has_momentum_and_weight_decay(tiny_images):
    found = []
    hook = register_optimizer_step_pre_hook(lambda optimizer, *_: found.append(optimizer.param_groups[0]))
    pretext(SMALL_TASKS["simclr"], tiny_images).run_epoch()
    hook.remove()
    assert (found[0]["momentum"], found[0]["weight_decay"]) == (0.9, 1e-4)


@pytest.mark.parametrize("broken", [False, True])
def test_a_task_goes_on_after_each_step(tiny_images, broken: bool):
    training, seen = pretext(SMALL_TASKS["simclr"], tiny_images), []
    loss = training.task.loss

    def spoiled(projections: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        found = loss(projections, rows)
        return found[0] * (torch.nan if broken and not seen else 1.0), found[1]

    training.task.loss = spoiled
    training.task.after_step = lambda projections, rows, broken: seen.append((projections.requires_grad, bool(broken)))
    with suppress(TrainingError):  # one of three steps is too much
        training.run_epoch()
    assert seen == [(False, broken), (False, False), (False, False)]
