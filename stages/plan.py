"""What a run of the present params.yaml takes on this machine, before it starts: ``python -m stages.plan``."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import psutil
import torch
import typer

from scan_core.console.progress import say
from scan_core.datasets.table import DATASETS
from scan_core.errors import ParamsError
from scan_core.machine.available_memory import free_bytes
from scan_core.machine.cpu_threads import choose_threads
from scan_core.machine.device import choose_device
from scan_core.machine.freed_memory import keep_freed_memory
from scan_core.planning.fit import Machine, disk_bytes, on_machine, problems
from scan_core.planning.needs import Work
from scan_core.planning.times import PerTraining, Rates, stage_seconds, stage_steps
from stages.cli import run
from stages.dependencies import ROOT
from stages.devices import check_shares, count_devices
from stages.params import Params
from stages.params_file import load_params
from stages.paths import PARAMS
from stages.plan_images import Counted, count_images
from stages.plan_measure import Measured, measure_all
from stages.plan_table import print_notes, print_table

GIBIBYTE = 2**30
LATER_LIBRARIES = 300 * 2**20
"""Bytes that a stage takes beyond this process at its start, whatever it works on."""


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Print what each stage takes: images, steps, memory, disk, time; say what cannot fit, and which value would.

    Needs no stage to have run, and writes nothing. A few real steps are measured on synthetic images, for about a
    minute. Ends with exit status 1 where something cannot fit.
    """
    config = load_params(params)
    counted = count_images(config)
    device = choose_device(config.runtime.device)
    if device.type == "cpu":
        keep_freed_memory()  # as the stages do
        choose_threads()
    devices = share_of(config, params, device)
    machine = look_at_machine(device)
    channels = DATASETS[config.data.name].channels
    image_bytes = channels * config.data.image_size**2
    encoded = counted.sizes.images * image_bytes > config.data.pixels_budget * GIBIBYTE
    say("plan: a few steps of each training, on synthetic images")
    measured = measure_all(
        config,
        counted.sizes,
        devices=devices,
        channels=channels,
        encoded=encoded,
        device=device,
        memory=machine.host if machine.device is None else machine.device,
    )
    work = work_of(config, counted, measured, devices=devices, image_bytes=image_bytes, encoded=encoded)
    rates = rates_of(config, measured, start=start_seconds())
    epochs = PerTraining(config.pretext.epochs, config.scan.epochs, config.self_label.epochs)
    batches = PerTraining(config.pretext.batch_size, config.scan.batch_size, config.self_label.batch_size)
    seconds = stage_seconds(
        work.sizes,
        epochs,
        batches,
        rates,
        views=PerTraining(0, work.scan_views, work.self_label_views),
        exact_up_to=work.exact_up_to,
        devices=1 if machine.device is None else devices,
        decoding_beside=device.type != "cpu",
    )
    if counted.fetched:
        seconds["fetch"] = 0.0
    steps = stage_steps(work.sizes, epochs, batches)
    print_table(counted, on_machine(work, machine), work, steps, seconds, cache_copies=machine.cache_copies)
    print_notes(counted, machine, measured, work, disk_bytes(work, machine, fetched=counted.fetched))
    if lines := problems(work, machine, fetched=counted.fetched):
        raise ParamsError("\n".join(lines))


def share_of(config: Params, params: Path, device: torch.device) -> int:
    """How many devices share the work; see stages.processes, also for errors."""
    devices = count_devices(config.runtime, device)
    trained = {
        "pretext": config.pretext.batch_size,
        "scan": config.scan.batch_size if config.scan.train_encoder else 0,
        "self_label": config.self_label.batch_size
        if config.self_label.train_encoder and config.self_label.epochs
        else 0,
    }
    check_shares(params, devices, **trained)
    return devices


def look_at_machine(device: torch.device) -> Machine:
    """What is free now, beside what this process has taken already."""
    return Machine(
        device=torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None,
        host=int(min(psutil.virtual_memory().available, free_bytes())),
        disk=shutil.disk_usage(".").free,
        cache_copies=cache_copies(),
        program=psutil.Process().memory_info().rss + LATER_LIBRARIES,
    )


def cache_copies() -> bool:
    """Whether DVC's cache takes the artifacts' bytes once more: no links are set up, or it is on another disk."""
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            cache = repo.cache.local
            links = {"hardlink", "symlink"} & set(cache.cache_types)
            folder = next(path for path in (Path(cache.path), *Path(cache.path).parents) if path.exists())
    except NotDvcRepoError:
        return False
    return not links or folder.stat().st_dev != Path().stat().st_dev


def start_seconds() -> float:
    """How long a stage takes to import its libraries, and to end."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "stages.scan_train", "--help"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


def work_of(
    config: Params, counted: Counted, measured: Measured, *, devices: int, image_bytes: int, encoded: bool
) -> Work:
    """The run's dimensions."""
    scan, self_label = config.scan, config.self_label
    return Work(
        sizes=counted.sizes,
        download=DATASETS[config.data.name].download_bytes if config.data.source is None else 0,
        image_bytes=image_bytes,
        encoded=encoded,
        embedding_dim=measured.embedding_dim,
        feature_width=measured.feature_width,
        neighbors=config.neighbors.k,
        exact_up_to=config.neighbors.exact_up_to,
        clusters=scan.clusters,
        heads=scan.heads,
        workers=config.runtime.threads,
        devices=devices,
        pretext_batch=config.pretext.batch_size,
        scan_batch=scan.batch_size,
        self_label_batch=self_label.batch_size if self_label.epochs else 0,
        scan_views=0 if scan.train_encoder else scan.views,
        self_label_views=0 if self_label.train_encoder or not self_label.epochs else self_label.views,
        pretext_moments=_moments("sgd", config.pretext.momentum),
        scan_moments=_moments(scan.optimizer, scan.momentum),
        self_label_moments=_moments(self_label.optimizer, self_label.momentum) + (self_label.ema_decay is not None),
        weights=measured.weights,
        largest_output=measured.largest_output,
        pretext=measured.pretext.footprint,
        scan=measured.scan.footprint,
        self_label=measured.self_label.footprint,
    )


def _moments(optimizer: str, momentum: float) -> int:
    return {"adam": 2, "sgd": int(momentum > 0)}[optimizer]


def rates_of(config: Params, measured: Measured, *, start: float) -> Rates:
    """The measured seconds, of decoding for all threads together; epochs of small crops as if the pixels were all."""
    threads, costs = config.runtime.threads, config.pretext.epoch_costs(config.data.image_size)
    return Rates(
        start=start,
        prepare=measured.prepare / threads,
        decode=measured.decode / threads,
        pretext=measured.pretext.seconds * sum(costs) / len(costs),
        scan=measured.scan.seconds,
        self_label=measured.self_label.seconds,
        scan_augment=measured.scan_augment,
        self_label_augment=measured.self_label_augment,
        infer=measured.infer,
        pair=measured.pair,
        kmeans=measured.kmeans,
    )


if __name__ == "__main__":
    run(main)
