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
        parts = x.split([len(rows) for block in _blocks(len(x), self.group) for rows in _strided(block)])  # type: ignore[no-untyped-call]
        moments = torch.zeros(len(parts), 2, x.shape[1], device=x.device)
        normalized = [
            F.batch_norm(part, mean, variance, self.weight, self.bias, True, 1.0, self.eps)
            for part, (mean, variance) in zip(parts, moments, strict=True)
        ]
        self.follow(*average(moments.mean(dim=0)))
        return torch.cat(normalized)


class _SplitBatchNormAct(Activating, SplitBatchNorm): ...


def mixed(images: int, *, group: int) -> Int64[Tensor, " images"]:
    """Return an order of the images of a batch in which a group has a fourth of its images from each former one."""
    return torch.tensor([row for block in _blocks(images, group) for rows in _strided(block) for row in rows])


def check_groups(images: int, *, group: int) -> None:
    """Raise TrainingError unless so many images, this process's part of a batch, can be split into groups.

    A group has at least two images, and a block of groups is not of two processes.
    """
    multiple = GROUPS * group
    if processes() > 1 and images % multiple:
        raise TrainingError(
            f"{images} images of a batch for each of {processes()} processes, expected a multiple of {multiple} "
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
    check_groups(images, group=group)
    count = max(1, images // (GROUPS * group))
    return [range(images * block // count, images * (block + 1) // count) for block in range(count)]
