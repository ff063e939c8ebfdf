"""One optimizer update that never spreads a value which is not finite, without the host waiting for the device."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer


def sgd(module: nn.Module, *, momentum: float, weight_decay: float) -> SGD:
    """Fused SGD over the parameters of ``module``; the learning rate is given to each :func:`update`."""
    optimizer = SGD(module.parameters(), lr=0.0, momentum=momentum, weight_decay=weight_decay, fused=True)
    if momentum:  # otherwise allocated at the first step, and left uninitialized if that one is skipped
        for parameter in module.parameters():
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter, requires_grad=False)
    return optimizer


def adam(module: nn.Module, *, weight_decay: float) -> Adam:
    """Fused Adam over the parameters of ``module``; the learning rate is given to each :func:`update`."""
    return Adam(module.parameters(), lr=0.0, weight_decay=weight_decay, fused=True)


def make_optimizer(name: str, module: nn.Module, *, momentum: float, weight_decay: float) -> Optimizer:
    """:func:`adam`, or :func:`sgd` with ``momentum``, by its ``name``."""
    if name == "adam":
        return adam(module, weight_decay=weight_decay)
    return sgd(module, momentum=momentum, weight_decay=weight_decay)


def update(
    optimizer: Optimizer, loss: Float[Tensor, ""], *, learning_rate: float, skip: Bool[Tensor, ""] | None = None
) -> Bool[Tensor, ""]:
    """Step along the gradient of ``loss``, unless it is not finite or ``skip`` is true.

    Returns:
        Whether the loss or its gradient was not finite, on the device.
    """
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    broken = ~(loss.detach().isfinite() & nn.utils.get_total_norm(gradients).isfinite())
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    # The fused kernels read this attribute on the device and leave weights and moments alone; GradScaler uses it too.
    optimizer.found_inf = (broken if skip is None else broken | skip).to(torch.float32)  # type: ignore[attr-defined]
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return broken
