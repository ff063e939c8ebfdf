"""Batch normalization over the images of all processes, on CPUs too, where ``torch.nn.SyncBatchNorm`` does not run."""

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from scan_core.parallel.collectives import all_gather, all_reduce


class AnyBatchNorm(_BatchNorm):
    """Batch normalization of images or vectors, whose subclass says over which of them it takes mean and variance."""

    def _check_input_dim(self, x: Tensor) -> None:
        """Accept every input that any of torch's accepts."""

    def follow(self, mean: Float[Tensor, " channels"], variance: Float[Tensor, " channels"]) -> None:
        """Move the running statistics, if there are any, towards these of a batch."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            momentum = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(variance, momentum)


class SynchronizedBatchNorm(AnyBatchNorm):
    """Takes mean and variance in training over the images of all processes; otherwise like ``torch.nn.BatchNorm1d``.

    Each process must have the same number of images.
    """

    @staticmethod
    def convert(model: nn.Module) -> None:
        """Replace every batch normalization within ``model`` by a synchronized one, in place, except split ones.

        Raises:
            TypeError: one has a ``forward`` of its own.
        """
        for module in model.modules():
            if isinstance(module, _BatchNorm) and not getattr(module, "group", None):
                module.__class__ = class_for(module, SynchronizedBatchNorm, _SynchronizedBatchNormAct)

    def forward(self, x: Float[Tensor, "batch channels *any"]) -> Float[Tensor, "batch channels *any"]:
        """Normalize; in training, also update the running statistics."""
        if not self.training:
            return super().forward(x)
        weight = torch.ones(x.shape[1], device=x.device) if self.weight is None else self.weight
        bias = torch.zeros(x.shape[1], device=x.device) if self.bias is None else self.bias
        normalized, mean, variance = _Normalize.apply(x, weight, bias, self.eps)
        count = dist.get_world_size() * x.numel() // x.shape[1]
        self.follow(mean, variance * (count / (count - 1)))
        return normalized


class Activating(_BatchNorm):
    """As timm's ``BatchNormAct2d``, which applies its dropout and its activation to what is normalized."""

    def forward(self, x: Float[Tensor, "batch channels *any"]) -> Float[Tensor, "batch channels *any"]:
        """Normalize as the next class does, then activate."""
        activated: Tensor = self.get_submodule("act")(self.get_submodule("drop")(super().forward(x)))
        return activated


class _SynchronizedBatchNormAct(Activating, SynchronizedBatchNorm): ...


def class_for(module: _BatchNorm, plain: type[_BatchNorm], activating: type[Activating]) -> type[_BatchNorm]:
    """Return ``plain`` as the class that ``module`` is to have, or ``activating`` where it is timm's, with activation.

    Raises:
        TypeError: it has a ``forward`` of its own, which would be lost.
    """
    if isinstance(module, activating) or type(module).__name__ == "BatchNormAct2d":
        return activating
    if type(module).forward not in (_BatchNorm.forward, plain.forward):
        raise TypeError(f"{type(module).__name__} has a forward of its own, expected that of torch's")
    return plain


class _Normalize(torch.autograd.Function):
    """Batch normalization (Ioffe and Szegedy, 2015), with every mean taken over all processes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        unmoved = torch.zeros_like(bias)  # they make the statistics float32, whatever x is
        moments = torch.stack(torch.batch_norm_update_stats(x, unmoved, unmoved, 0.0))
        means, variances = all_gather(moments).unbind(1)
        mean = means.mean(0)
        variance = (means - mean).square_().add_(variances).mean(0)
        ctx.save_for_backward(x, weight, mean, variance)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, variance)
        ctx.set_materialize_grads(False)
        return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps), mean, variance

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: None) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight, mean, variance = ctx.saved_tensors
        # The part of the gradient with mean and variance as constants.
        through, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        sums = all_reduce(torch.stack([of_weight, of_bias]))
        scale = weight * (variance + ctx.eps).rsqrt() / (-dist.get_world_size() * x.numel() // x.shape[1])
        slope, shift = scale * sums
        by_statistics = F.batch_norm(x, mean, variance, slope, shift, training=False, eps=ctx.eps)
        return through.add_(by_statistics), of_weight, of_bias, None
