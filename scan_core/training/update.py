"""Update weights, but never with values that are not finite, and without a synchronization with the device."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer


def sgd(module: nn.Module, *, momentum: float, weight_decay: float) -> SGD:
    """Return fused SGD over the parameters of ``module``; each :func:`update` gets the learning rate."""
    optimizer = SGD(module.parameters(), lr=0.0, momentum=momentum, weight_decay=weight_decay, fused=True)
    if momentum:  # else allocated at the first step, and uninitialized if that step is skipped
        for parameter in module.parameters():
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter, requires_grad=False)
    return optimizer


def adam(module: nn.Module, *, weight_decay: float) -> Adam:
    """Return fused Adam over the parameters of ``module``; each :func:`update` gets the learning rate."""
    return Adam(module.parameters(), lr=0.0, weight_decay=weight_decay, fused=True)


def make_optimizer(name: str, module: nn.Module, *, momentum: float, weight_decay: float) -> Optimizer:
    """Return :func:`adam`, or :func:`sgd` with ``momentum``, by ``name``."""
    if name == "adam":
        return adam(module, weight_decay=weight_decay)
    return sgd(module, momentum=momentum, weight_decay=weight_decay)


def update(
    optimizer: Optimizer, loss: Float[Tensor, ""], *, learning_rate: float, skip: Bool[Tensor, ""] | None = None
) -> Bool[Tensor, ""]:
    """Update the weights by the gradient of ``loss``, unless it is not finite or ``skip`` is true.

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
