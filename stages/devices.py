"""Say what ``runtime`` means for the devices of this machine: which, how many, and whether to compile."""

import os
from collections.abc import Iterator

import torch

from scan_core.errors import ParamsError
from scan_core.machine.cpu_threads import choose_threads
from scan_core.machine.freed_memory import keep_freed_memory
from scan_core.training.compiled import compiling_pays
from stages.params import PretextParams, RuntimeParams, ScanParams, SelfLabelParams


def choose_device(name: str) -> torch.device:
    """Return the device called ``name``: ``cpu``, ``cuda``, ``mps``, or ``auto`` for CUDA if present, else the CPU.

    ``auto`` never takes ``mps``, Apple's GPU, on which nobody has run this yet.

    Raises:
        ParamsError: this machine or this torch build does not have it.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    available = [kind for kind, here in present.items() if here]
    if name == "auto":
        return torch.device("cuda" if "cuda" in available else "cpu")
    if name not in available:
        raise ParamsError(f"runtime.device: {name} is not available here, only {', '.join(available)}; use auto")
    return torch.device(name)


def prepare(device: torch.device) -> None:
    """Set the global state of this process for a stage's work on ``device``; the library sets none."""
    torch.backends.cudnn.deterministic = True  # the same bytes from the same run, on a GPU too
    if device.type == "cuda":  # pragma: gpu
        torch.set_num_threads(1)  # the host's tensors are small: threads would wait for each other longer than work
    if device.type == "cpu":
        keep_freed_memory()
        choose_threads()


def unshared(count: int, **batch_sizes: int) -> Iterator[str]:
    """Yield a line for each batch, of a section of params.yaml, that ``count`` devices cannot share equally."""
    for section, batch_size in batch_sizes.items():
        if over := batch_size % count:
            yield (
                f"{section}.batch_size: found {batch_size}, expected a multiple of the {count} devices that share it "
                f"(runtime.devices), such as {batch_size - over or count}"
            )


def count_devices(runtime: RuntimeParams, device: torch.device) -> int:
    """Return the number of devices of ``device``'s kind that ``runtime.devices`` asks for.

    Raises:
        ParamsError: there are not so many.
    """
    present = {"cuda": torch.cuda.device_count(), "cpu": os.cpu_count() or 1}.get(device.type, 1)
    if runtime.devices == "auto":
        return present if device.type == "cuda" else 1
    if runtime.devices > present:
        what = {"cuda": "CUDA devices", "cpu": "processors"}.get(device.type, f"{device.type} devices")
        raise ParamsError(f"runtime.devices: found {runtime.devices}, expected at most the {present} {what} here")
    return runtime.devices


def check_present(processes: int) -> None:
    """Raise ParamsError where torchrun has started more ``processes`` on this machine than it has CUDA devices."""
    if processes > torch.cuda.device_count():
        raise ParamsError(
            f"torchrun --nproc-per-node: found {processes}, expected at most the {torch.cuda.device_count()} CUDA "
            "devices of this machine; lower it, or set runtime.device: cpu"
        )


def compiles(
    runtime: RuntimeParams,
    device: torch.device,
    *,
    images: int,
    training: PretextParams | ScanParams | SelfLabelParams,
    sizes: int = 1,
) -> bool:
    """Say whether ``training`` on so many ``images`` compiles its network, for so many ``sizes`` of batches."""
    if runtime.compile != "auto":
        return runtime.compile
    return compiling_pays(device, steps=training.epochs * (images // training.batch_size), sizes=sizes)
