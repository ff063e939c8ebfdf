"""Two processes with half of a batch each compute what one computes with the whole."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from timm.layers import BatchNormAct2d

from scan_core.parallel.distributed import part_of_batch
from scan_core.parallel.synchronized_norm import SynchronizedBatchNorm
from scan_core.training.resume import Resume
from tests.parallel import cases
from tests.parallel.team import Team

TRAININGS = [*cases.TASKS, "scan", "self_label"]
LOSSES = ["nt_xent", "scan", "scan with a prior", "pseudo-label", "pseudo-label, not balanced"]


@pytest.mark.parametrize("scales", [[1.0] * 8, [0.01] * 4 + [3.0] * 4], ids=["alike", "confident in one half only"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_gradients(name: str, scales: list[float], processes: Team):
    values, gradients = cases.loss_and_gradient(name, scales)
    assert values[0] != 0
    for found_values, found_gradients in processes(cases.loss_and_gradient, name, scales):
        assert found_values == pytest.approx(values, abs=1e-5)
        for found, expected in zip(found_gradients, gradients, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_scan_loss_by_hand(processes: Team):
    # One process is sure of cluster 0, the other of cluster 1: together they use both equally, H = log 2.
    for consistency, entropy in processes(cases.loss_of_two_halves):
        assert consistency == pytest.approx(0, abs=1e-4)
        assert entropy == pytest.approx(math.log(2), abs=1e-4)


@pytest.mark.parametrize(("epochs", "at_once"), [(2, 1), (1, 2)], ids=["each step", "two steps augmented at once"])
@pytest.mark.parametrize("name", TRAININGS)
def test_first_epochs_of_each_training(name: str, epochs: int, at_once: int, processes: Team):
    history, state = cases.epochs(name, epochs, None, at_once)
    for found_history, found_state in processes(cases.epochs, name, epochs, None, at_once):
        for found, expected in zip(found_history, history, strict=True):
            assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)
        assert found_state.keys() == state.keys()
        assert torch.equal(found_state["generator"], state["generator"])
        for key, value in found_state.items():
            torch.testing.assert_close(value, state[key], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_goes_on_with_another_number_of_processes(name: str, processes: Team):
    history, _ = cases.epochs(name, 2)
    _, after_one = cases.epochs(name, 1)
    for found, _ in processes(cases.epochs, name, 1, after_one):
        assert found[0] == pytest.approx(history[1], rel=1e-4, abs=1e-5)
    (_, by_two), _ = processes(cases.epochs, name, 1)
    assert cases.epochs(name, 1, by_two)[0][0] == pytest.approx(history[1], rel=1e-4, abs=1e-5)


def test_an_image_is_augmented_alike_whoever_has_it(processes: Team):
    whole = cases.augmented().unflatten(0, (2, 2, -1))  # views, processes, images
    for rank, found in enumerate(processes(cases.augmented)):
        assert torch.equal(found, whole[:, rank].flatten(0, 1))


@pytest.mark.parametrize(
    ("precision", "tolerance", "options", "first"),
    [
        (torch.float32, 1e-5, {}, torch.nn.BatchNorm2d),
        (torch.float32, 1e-5, {}, BatchNormAct2d),
        (torch.bfloat16, 0.05, {}, torch.nn.BatchNorm2d),
        (torch.float32, 1e-5, {"affine": False, "momentum": None}, torch.nn.BatchNorm2d),
        (torch.float32, 1e-5, {"track_running_stats": False}, torch.nn.BatchNorm2d),
    ],
)
def test_batch_normalization_uses_the_whole_batch(
    precision: torch.dtype, tolerance: float, options: dict[str, Any], first: type[torch.nn.Module], processes: Team
):
    whole = cases.normalized(precision, options, first)
    found = processes(cases.normalized, precision, options, first)
    both = [torch.cat(values) for values in zip(*(found_[:3] for found_ in found), strict=True)]
    both[2] /= 2  # what flows back to an input is of the sum over processes
    for value, expected in zip([*both, *found[0][3:]], whole, strict=True):
        torch.testing.assert_close(value, expected, rtol=tolerance, atol=tolerance)
    assert all(torch.equal(*values) for values in zip(*(found_[3:] for found_ in found), strict=True))


@pytest.mark.parametrize("count", [26, 25, 3])
def test_inference_and_selection(count: int, processes: Team):
    logits, losses = cases.inferred(count)
    for found_logits, found_losses in processes(cases.inferred, count):
        torch.testing.assert_close(found_logits, logits, rtol=1e-5, atol=1e-5)
        for found, expected in zip(found_losses, losses, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_step_that_is_broken_in_one_process_is_so_in_both(processes: Team):
    assert processes(cases.update_with_a_bad_image) == [(True, True), (True, True)]


def test_a_normalization_that_does_more_is_refused():
    class Activated(torch.nn.BatchNorm2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).relu()

    with pytest.raises(TypeError, match="Activated has a forward of its own"):
        SynchronizedBatchNorm.convert(torch.nn.Sequential(Activated(3)))


def test_moco_refuses_a_batch_whose_groups_are_of_two_processes(processes: Team):
    said = r"24 images of a batch for each of 2 processes, expected a multiple of 32 .*change batch_size or norm_group"
    with pytest.raises(AssertionError, match=said):
        processes(cases.moco, 48)


def test_a_finished_state_is_cleared_only_when_all_have_loaded_it(tmp_path: Path, processes: Team):
    history = [{"loss": 0.5, "skipped_steps": 0.0}]
    Resume(tmp_path / "state").save(dict, history)
    assert processes(cases.going_on_from_the_last_epoch, tmp_path / "state") == [history, history]


def test_each_has_its_part(processes: Team):
    batch = torch.arange(8).view(1, 8)
    assert torch.equal(part_of_batch(batch), batch)
    parts = processes(part_of_batch, batch)
    assert [part.tolist() for part in parts] == [[[0, 1, 2, 3]], [[4, 5, 6, 7]]]
    with pytest.raises(AssertionError, match="a batch of 7 for 2 processes, expected a multiple of them"):
        processes(part_of_batch, batch[:, 1:])
