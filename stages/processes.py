"""On which devices, and in how many processes, a stage does its work."""

import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from scan_core.machine.cpu_threads import choose_threads
from scan_core.machine.device import choose_device
from scan_core.machine.freed_memory import keep_freed_memory
from scan_core.parallel.collectives import in_shared_memory
from stages import STARTED, launched
from stages.devices import check_present, check_shares, count_devices
from stages.params import Params

Work = Callable[[Params, torch.device], None]
PATIENCE = timedelta(days=2)
"""How long processes wait for one that works on its own, or waits for another run of the same training. One that has
ended is noticed by the launcher at once."""


def run_on_devices(work: Work, config: Params, params: Path, **batch_sizes: int) -> None:
    """Call ``work`` with ``config`` and a device: here, or in a process for each of ``runtime.devices``.

    A process that torchrun has started joins its group, whatever ``runtime.devices`` is. Every process works on its
    own device and does the whole of ``work``; see ``scan_core.parallel.distributed`` for how they share it.

    Args:
        params: the file that ``config`` was read from.
        batch_sizes: of a training, by the section that sets it; the devices share them equally.

    Raises:
        ParamsError: there are not so many devices, or they cannot share a batch equally.
    """
    device = choose_device(config.runtime.device)
    joining = _started_by_torchrun("WORLD_SIZE", 1)
    count = joining if joining > 1 else count_devices(config.runtime, device)
    check_shares(params, count, **batch_sizes)
    if joining > 1:
        _join(work, config, device)
    elif count > 1:
        _launch(work, config, params, device, count)
    else:
        _run(work, config, device)


def run_alone(work: Work, config: Params) -> None:
    """Call ``work`` with ``config`` and a device, whatever ``runtime.devices`` is: it is too little to be shared.

    Of the processes that torchrun has started, the first does it all.
    """
    if _started_by_torchrun("RANK", 0) == 0:
        _run(work, config, choose_device(config.runtime.device))


def run_as_started(work: Callable[[Params], None], config: Params) -> None:
    """Call ``work`` with ``config`` here; several processes that torchrun has started meet in a group on their hosts.

    None is started, whatever ``runtime.devices`` is: ``work`` takes all processors and GPUs of a machine by itself.
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
    own, everyone = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    if launched():
        _take_share_of_processors(int(os.environ["LOCAL_RANK"]), own)
    if device.type == "cuda":  # pragma: gpu
        check_present(own)
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
        dist.init_process_group("nccl", device_id=device, timeout=PATIENCE)
    else:
        dist.init_process_group("gloo", timeout=PATIENCE)
    with in_shared_memory() if device.type == "cpu" and own == everyone else nullcontext():
        _run(work, config, device)
    dist.destroy_process_group()


def _run(work: Work, config: Params, device: torch.device) -> None:
    if device.type == "cpu":
        keep_freed_memory()
        choose_threads()
    work(config, device)


def _take_share_of_processors(process: int, processes: int) -> None:
    """Divide threads and, where the system can, processors: processes that move about wait longer for each other."""
    torch.set_num_threads(max(1, torch.get_num_threads() // processes))
    if sys.platform == "linux" and (share := len(processors := sorted(os.sched_getaffinity(0))) // processes):
        os.sched_setaffinity(0, processors[process * share : (process + 1) * share])


def _launch(work: Work, config: Params, params: Path, device: torch.device, count: int) -> None:
    from stages.launch import launch

    module = _module(work)
    if _can_fork():
        launch(module, _join, work, config, device, count=count)
    else:
        launch(module, sys.executable, "-m", module, "--params", str(params), count=count)


def _can_fork() -> bool:
    """Forks have imported everything already.

    But CUDA, which has been asked whether it is here, does not work in them, nor what another program may have made in
    this process: threads that compute.
    """
    return STARTED and sys.platform == "linux" and not torch.cuda.is_available()


def _module(work: Work) -> str:
    """The module that is run: that of ``work``, also where it is the one that Python was started with."""
    main = sys.modules["__main__"].__spec__
    return main.name if work.__module__ == "__main__" and main else work.__module__
