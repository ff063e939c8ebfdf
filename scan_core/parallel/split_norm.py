"""Batch normalization over groups of a batch, and another order of it in which the groups are mixed."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from scan_core.errors import TrainingError
from scan_core.parallel.distributed import average, processes
from scan_core.parallel.synchronized_norm import Activating, AnyBatchNorm, class_for

GROUPS = 4
"""In a block, within which images are mixed; each process has whole blocks."""


Normalized = tuple[Tensor, Tensor, Tensor]
"""The normalized images, and mean and variance of each channel."""


class SplitBatchNorm(AnyBatchNorm):
    """Takes mean and variance, in training, over groups of about ``group`` images; else it is ``torch.nn.BatchNorm1d``.

    The running statistics follow the mean of the groups' statistics, those of all processes.
    """

    group: int

    @staticmethod
    def convert(model: nn.Module, *, group: int) -> None:
        """Make every batch normalization within ``model`` a split one, in place.

        Raises:
            TypeError: one has a ``forward`` of its own.
        """
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.__class__ = class_for(module, SplitBatchNorm, _SplitBatchNormAct)
                setattr(module, "group", group)  # noqa: B010, a plain assignment is taken for that of a submodule

    def forward(self, x: Float[Tensor, "batch channels *any"]) -> Float[Tensor, "batch channels *any"]:
        """Normalize, and in training move the running statistics."""
        if not self.training:
            return super().forward(x)
        sizes = [len(rows) for block in _blocks(len(x), self.group) for rows in _strided(block)]
        at_once = x.is_cuda and len(set(sizes)) == 1
        normalized, mean, variance = (groups_at_once if at_once else groups_in_turn)(
            x, sizes, self.weight, self.bias, eps=self.eps
        )
        self.follow(*average(torch.stack([mean, variance])))
        return normalized


class _SplitBatchNormAct(Activating, SplitBatchNorm): ...


def groups_in_turn(
    x: Float[Tensor, "batch channels *any"],
    sizes: list[int],
    weight: Float[Tensor, " channels"] | None,
    bias: Float[Tensor, " channels"] | None,
    *,
    eps: float,
) -> Normalized:
    """Normalize groups of so many images; return them with the mean of the groups' means and unbiased variances."""
    parts = x.split(sizes)  # type: ignore[no-untyped-call]
    moments = torch.zeros(len(parts), 2, x.shape[1], device=x.device)
    normalized = [
        F.batch_norm(part, mean, variance, weight, bias, True, 1.0, eps)
        for part, (mean, variance) in zip(parts, moments, strict=True)
    ]
    return torch.cat(normalized), *moments.mean(dim=0)


def groups_at_once(
    x: Float[Tensor, "batch channels *any"],
    sizes: list[int],
    weight: Float[Tensor, " channels"] | None,
    bias: Float[Tensor, " channels"] | None,
    *,
    eps: float,
) -> Normalized:
    """Do the same for groups of equal size in one call, as channels of their own.

    A GPU would wait for hundreds of small calls. On a CPU this takes 1.1 to 3 times as long, for its two copies.
    """
    groups, channels = len(sizes), x.shape[1]
    last = x.movedim(1, -1)  # the channels, which keeps channels_last
    apart = last.reshape(groups, -1, *last.shape[1:]).movedim(0, -2).flatten(-2).movedim(-1, 1)
    mean, variance = torch.zeros(2, groups * channels, device=x.device)
    weights, biases = (None if values is None else values.repeat(groups) for values in (weight, bias))
    normalized = F.batch_norm(apart, mean, variance, weights, biases, True, 1.0, eps).movedim(1, -1)
    together = normalized.reshape(*normalized.shape[:-1], groups, channels).movedim(-2, 0).flatten(0, 1).movedim(-1, 1)
    return together, mean.view(groups, channels).mean(dim=0), variance.view(groups, channels).mean(dim=0)


def mixed(images: int, *, group: int) -> Int64[Tensor, " images"]:
    """Return an order of the images of a batch in which a group has a fourth of its images from each former one."""
    return torch.tensor([row for block in _blocks(images, group) for rows in _strided(block) for row in rows])


def check_groups(images: int, *, group: int, count: int) -> None:
    """Raise TrainingError unless so many images, the part of a batch of each of ``count`` processes, can be split.

    A group has at least two images, and a block of groups is not of two processes.
    """
    multiple = GROUPS * group
    if count > 1 and images % multiple:
        raise TrainingError(
            f"{images} images of a batch for each of {count} processes, expected a multiple of {multiple} "
            f"({GROUPS} groups of {group} that are normalized together): change batch_size or norm_group"
        )
    if images < 2 * GROUPS:
        raise TrainingError(
            f"{images} images in a batch, expected at least {2 * GROUPS} ({GROUPS} groups of two that are normalized "
            "together): raise batch_size, or take another pretext task if there are fewer images"
        )


def _strided(block: range) -> list[range]:
    return [block[start::GROUPS] for start in range(GROUPS)]


def _blocks(images: int, group: int) -> list[range]:
    """The rows of this process's part of a batch, block by block."""
    check_groups(images, group=group, count=processes())
    count = max(1, images // (GROUPS * group))
    return [range(images * block // count, images * (block + 1) // count) for block in range(count)]
