from collections.abc import Callable

import pytest
import torch
from timm.layers import BatchNormAct2d
from torch import nn

from scan_core.errors import TrainingError
from scan_core.parallel.split_norm import SplitBatchNorm, groups_at_once, groups_in_turn, mixed


def norm(group: int) -> nn.BatchNorm1d:
    made = nn.BatchNorm1d(3)
    SplitBatchNorm.convert(made, group=group)
    return made


def test_each_group_is_normalized_by_itself():
    x = torch.randn(16, 3)
    expected = torch.cat([nn.BatchNorm1d(3)(part) for part in x.split(4)])
    torch.testing.assert_close(norm(4)(x), expected)


@pytest.mark.parametrize("shape", [(16, 3), (16, 3, 5, 5)])
@pytest.mark.parametrize("affine", [True, False])
def test_groups_at_once_as_on_a_gpu_equal_groups_in_turn(shape: tuple[int, ...], affine: bool):
    def found(normalize: Callable[..., tuple[torch.Tensor, ...]]) -> list[torch.Tensor | None]:
        torch.manual_seed(0)
        x, weight, bias = torch.randn(shape), torch.randn(3), torch.randn(3)
        if len(shape) == 4:
            x = x.to(memory_format=torch.channels_last)
        inputs = [x, weight, bias] if affine else [x]
        for each in inputs:
            each.requires_grad_()
        y, mean, variance = normalize(x, [4] * 4, *(inputs[1:] or [None, None]), eps=1e-5)
        assert y.stride() == x.stride()
        (y * torch.arange(y.numel()).view(shape).sin()).sum().backward()
        return [y, mean, variance, *(each.grad for each in inputs)]

    for once, in_turn in zip(found(groups_at_once), found(groups_in_turn), strict=True):
        torch.testing.assert_close(once, in_turn)


def test_running_statistics_are_the_mean_of_the_groups():
    x, split = torch.randn(16, 3), norm(4)
    split(x)
    torch.testing.assert_close(split.running_mean, 0.1 * x.mean(dim=0))
    variance = torch.stack([part.var(dim=0) for part in x.split(4)]).mean(dim=0)
    torch.testing.assert_close(split.running_var, 0.9 + 0.1 * variance)


def test_in_evaluation_it_is_batch_normalization():
    x, plain = torch.randn(5, 3), nn.BatchNorm1d(3)
    assert torch.equal(norm(4).eval()(x), plain.eval()(x))


@pytest.mark.parametrize("train", [True, False])
def test_the_activation_of_timm_s_normalization_stays(train: bool):
    # Each of the four groups has the same images, so that nothing but the activation could differ.
    x, act = torch.randn(4, 3, 2, 2).repeat(4, 1, 1, 1), BatchNormAct2d(3).train(train)
    expected = BatchNormAct2d(3).train(train)(x)
    SplitBatchNorm.convert(act, group=4)
    torch.testing.assert_close(act(x), expected)
    assert expected.min() == 0


def test_a_forward_that_would_be_lost_is_refused():
    class Own(nn.BatchNorm1d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return -super().forward(x)

    with pytest.raises(TypeError, match="Own has a forward of its own"):
        SplitBatchNorm.convert(nn.Sequential(Own(3)), group=4)


@pytest.mark.parametrize("images", [16, 32, 37, 8])
def test_a_mixed_group_has_a_fourth_of_its_images_from_each(images: int):
    order = mixed(images, group=4)
    assert sorted(order.tolist()) == [*range(images)]
    if images % 16 == 0:
        former = order.view(-1, 4) // 4
        assert all(len(set(group.tolist())) == 4 for group in former)


def test_too_few_images():
    with pytest.raises(TrainingError, match=r"7 images in a batch, expected at least 8 .*raise batch_size"):
        norm(4)(torch.randn(7, 3))
