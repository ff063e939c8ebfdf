"""Where the tensors live."""

import torch

from scan_core.errors import ParamsError


def choose_device(name: str) -> torch.device:
    """The device called ``name``: ``cpu``, ``cuda``, ``mps``, or ``auto`` for the fastest one present.

    Raises:
        ParamsError: this machine or this torch build does not have it.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return _prepared(next(kind for kind, available in present.items() if available))
    if not present[name]:
        available = ", ".join(kind for kind, here in present.items() if here)
        raise ParamsError(f"runtime.device: {name} is not available here, only {available}; use auto")
    return _prepared(name)


def _prepared(name: str) -> torch.device:
    torch.backends.cudnn.deterministic = True  # the same bytes from the same run, on a GPU too
    if name == "cuda":  # pragma: gpu
        torch.set_num_threads(
            1
        )  # the host's tensors are small: threads would wait for each other longer than they work
    return torch.device(name)
