"""Run a stage's work on its devices, in one or several processes."""

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from scan_core.errors import ParamsError
from scan_core.machine.cpu_threads import SET_OUTSIDE
from stages.devices import check_present, choose_device, count_devices, prepare, unshared
from stages.launch import launch
from stages.params import Params

Work = Callable[[Params, torch.device], None]
PATIENCE = timedelta(days=2)
"""How long processes wait for one that works alone, or that waits for another run of the same training. The launcher
notices at once when a process ends."""


def run_on_devices(work: Work, config: Params, params: Path, **batch_sizes: int) -> None:
    """Call ``work`` with ``config`` and a device, in this process or in one process per device.

    A process that torchrun has started joins its process group, whatever ``runtime.devices`` says. Every process has a
    device of its own and runs all of ``work``; ``scan_core.parallel.distributed`` splits the batches between them.

    Args:
        params: the file that ``config`` was read from.
        batch_sizes: section of params.yaml -> its batch size, which the devices share equally.

    Raises:
        ParamsError: there are fewer devices, or they cannot share a batch equally.
    """
    device = choose_device(config.runtime.device)
    joining = _started_by_torchrun("WORLD_SIZE", 1)
    count = joining if joining > 1 else count_devices(config.runtime, device)
    if wrong := [*unshared(count, **batch_sizes)]:
        raise ParamsError(f"{params}: {wrong[0]}")
    if joining > 1:
        _join(work, config, device)
    elif count > 1:
        launch(_module(work), "--params", str(params), count=count)
    else:
        _run(work, config, device)


def run_alone(work: Work, config: Params) -> None:
    """Call ``work`` with ``config`` and one device, whatever ``runtime.devices`` says.

    If torchrun has started several processes, rank 0 does the work.
    """
    if _started_by_torchrun("RANK", 0) == 0:
        _run(work, config, choose_device(config.runtime.device))


def run_as_started(work: Callable[[Params], None], config: Params) -> None:
    """Call ``work`` with ``config`` in this process; processes that torchrun has started join a gloo process group.

    This starts no further process, whatever ``runtime.devices`` says: ``work`` uses all CPUs and GPUs by itself.
    """
    if _started_by_torchrun("WORLD_SIZE", 1) == 1:
        work(config)
        return
    dist.init_process_group("gloo", timeout=PATIENCE)
    work(config)
    dist.destroy_process_group()


def _started_by_torchrun(name: str, otherwise: int) -> int:
    return int(os.environ[name]) if "TORCHELASTIC_RUN_ID" in os.environ else otherwise


def _join(work: Work, config: Params, device: torch.device) -> None:
    own = int(os.environ["LOCAL_WORLD_SIZE"])
    if device.type == "cuda":  # pragma: gpu
        check_present(own)
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
        dist.init_process_group("nccl", device_id=device, timeout=PATIENCE)
    else:
        dist.init_process_group("gloo", timeout=PATIENCE)
        if not any(name in os.environ for name in SET_OUTSIDE):
            torch.set_num_threads(max(1, torch.get_num_threads() // own))
    _run(work, config, device)
    dist.destroy_process_group()


def _run(work: Work, config: Params, device: torch.device) -> None:
    prepare(device)
    work(config, device)


def _module(work: Work) -> str:
    """Return the name of the module of ``work``, also if that is the main module."""
    main = sys.modules["__main__"].__spec__
    return main.name if work.__module__ == "__main__" and main else work.__module__
