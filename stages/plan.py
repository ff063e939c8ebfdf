"""Predict what a run of the present parameters takes on this machine: ``python -m stages.plan``."""

import math
import shutil
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import psutil
import torch
import typer

from scan_core.console.progress import say, tell
from scan_core.console.words import counted, duration
from scan_core.errors import ParamsError, TrainingError
from scan_core.machine.available_memory import free_bytes
from scan_core.machine.peak_memory import new_processes
from scan_core.parallel.split_norm import check_groups
from stages import plan_training
from stages.cli import run
from stages.devices import choose_device, count_devices, unshared
from stages.fitting import cluster_count, with_cluster_count, with_fitting_batch, with_fitting_neighbors
from stages.params import NO_TASK, Params
from stages.params_file import load_params
from stages.paths import CLUSTERS, PARAMS, main_root
from stages.plan_images import Counts, count_images
from stages.plan_measure import Measured, further_baselines, measure_fetch, measure_others
from stages.plan_training import measure_training

COLUMNS = 80
GUESS = 20
"""Number of clusters before count-clusters has run; the time hardly depends on it."""
UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))
TRAININGS = {"pretext-train": "pretext", "scan-train": "scan", "self-label": "self_label"}
"""The sections of the trainings, by stage."""


ORDER = (
    "preview", "pretext-train", "embed", "mine-neighbors", "count-clusters", "baselines", "scan-train", "self-label",
    "evaluate",
)  # fmt: skip
"""Order of the stages after fetch."""


class Free(NamedTuple):
    """Bytes that are free now."""

    host: float
    device: float
    disk: float


class Work(NamedTuple):
    """What a training learns from."""

    section: str
    images: int
    devices: int
    """Which share each batch."""


def trainings(config: Params, counts: Counts, *, devices: int) -> dict[str, Work]:
    """Return the trainings that run, by stage."""
    by_several = {"pretext": True, "scan": config.scan.train_encoder, "self_label": config.self_label.train_encoder}
    found = {
        stage: Work(section, counts.pretext if section == "pretext" else counts.train, devices if shared else 1)
        for (stage, section), shared in zip(TRAININGS.items(), by_several.values(), strict=True)
        if getattr(config, section).epochs
    }
    if config.pretext.task == NO_TASK:
        del found["pretext-train"]
    return found


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Print what each stage takes: time, memory, disk; say what does not fit, and which value would.

    A few real steps of each are measured. No stage needs to have run, and nothing is written. Ends with exit status 1
    where something does not fit; a value that cannot be is told before anything is measured.
    """
    process = psutil.Process()  # which has imported the libraries, as each stage does
    start, libraries = time.time() - process.create_time(), process.memory_info().rss
    asked = load_params(params)
    counts = count_images(with_a_count(asked), main_root())
    config = with_a_count(asked, most=counts.train)
    if asked.scan.clusters == "auto":
        say(f"plan: scan.clusters: auto is taken for {config.scan.cluster_count}, a guess from what is known now")
    device = choose_device(config.runtime.device)
    devices = count_devices(config.runtime, device)
    fitting = fitted(config, counts, devices=devices)
    if wrong := [*impossible(fitting, counts, devices=devices)]:
        raise ParamsError("\n".join(wrong))
    say(f"plan: measuring each stage for some seconds; {counted(counts.all, 'image')}, {counts.origin}")
    measured = measure_all(fitting, counts, devices=devices if device.type == "cuda" else 1)
    found = {stage: with_start(each, seconds=start, libraries=libraries) for stage, each in measured.items()}
    print_table(found)
    free = Free(
        free_bytes(), torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0, shutil.disk_usage(".").free
    )
    print_notes(fitting, found, free, devices=devices)
    if wrong := [*too_large(fitting, found, free)]:
        raise ParamsError("\n".join(wrong))


def with_a_count(config: Params, *, most: int | None = None) -> Params:
    """Replace scan.clusters: auto by what count-clusters suggested last, or a guess, but by no more than ``most``."""
    if config.scan.clusters != "auto":
        return config
    last = cluster_count("auto") if CLUSTERS.exists() else None
    number = last.clusters if last and last.suggested_from else GUESS  # otherwise a person set it for other images
    return with_cluster_count(config, number if most is None else max(1, min(number, most)))


def fitted(config: Params, counts: Counts, *, devices: int) -> Params:
    """Lower, with a warning, the values that the stages will lower."""
    for work in trainings(config, counts, devices=devices).values():
        config = with_fitting_batch(config, work.section, images=work.images, devices=work.devices)
    return with_fitting_neighbors(config, images=counts.train)


def measure_all(config: Params, counts: Counts, *, devices: int) -> dict[str, Measured]:
    """Measure each stage, in the order of a run.

    Args:
        devices: CUDA devices that share the work, or 1.
    """
    with TemporaryDirectory(prefix="scan-plan-") as temporary, new_processes(plan_training.__name__) as executor:
        folder = Path(temporary) / "images"
        try:
            fetch = executor.submit(measure_fetch, config, main_root(), counts, folder).result()
            found = executor.submit(measure_others, config, counts, folder).result()
            for stage, work in trainings(config, counts, devices=devices).items():
                found[stage] = executor.submit(measure_training, *work, config, folder).result()
        except BrokenProcessPool:
            raise ParamsError(
                "a process that measured a stage was killed, probably for lack of memory; lower batch_size"
            ) from None
    idle = {"pretext-train": Measured(counts.pretext, 0.0), "self-label": Measured(counts.train, 0.0)}
    return {"fetch": fetch, **{stage: {**idle, **found}[stage] for stage in ORDER}}


def with_start(measured: Measured, *, seconds: float, libraries: int) -> Measured:
    """Add the time and memory that a stage takes to start."""
    in_all = None if measured.seconds is None else seconds + measured.seconds
    return measured._replace(seconds=in_all, host=libraries + measured.host)


def impossible(config: Params, counts: Counts, *, devices: int) -> Iterator[str]:
    """Yield a line for each value that the number of images, or of devices, does not allow."""
    for work in trainings(config, counts, devices=devices).values():
        yield from unshared(work.devices, **{work.section: getattr(config, work.section).batch_size})
    if config.pretext.task == "moco":
        try:
            check_groups(config.pretext.batch_size // devices, group=config.pretext.moco.norm_group, count=devices)
        except TrainingError as error:
            yield f"pretext.moco: {error}"
    if (clusters := config.scan.cluster_count) > counts.train:
        yield f"scan.clusters: {clusters}, expected at most {counts.train} (images of data.train_splits)"


def too_large(config: Params, found: dict[str, Measured], free: Free) -> Iterator[str]:
    """Yield a line for each stage that takes more memory than is free, and one for the disk."""
    for stage, measured in found.items():
        for what, needed, left in (
            ("memory", measured.host, free.host),
            ("GPU memory", measured.device, free.device),
        ):
            if needed > left:
                advice = _advice(config, stage, measured, over=needed - left)
                yield f"{stage}: {size(needed)} of {what}, {size(left)} are free; {advice}"
    if (disk := sum(measured.disk for measured in found.values())) > free.disk:
        largest = max(found, key=lambda stage: found[stage].disk)
        yield f"disk: {size(disk)}, {size(free.disk)} are free, most of it by {largest}; lower {_largest(largest)}"


def _advice(config: Params, stage: str, measured: Measured, *, over: float) -> str:
    if stage == "mine-neighbors":
        return "lower neighbors.k or data.limit"
    if stage not in TRAININGS:
        return "lower data.limit"
    batch_size = getattr(config, TRAININGS[stage]).batch_size
    fits = batch_size - math.ceil(over / measured.batch_bytes) if measured.batch_bytes else 0
    if fits < 2:
        return "lower encoder.resnet.width or data.image_size"
    return f"{TRAININGS[stage]}.batch_size: {fits} would fit"


def _largest(stage: str) -> str:
    """Return the parameter to lower where ``stage`` takes too much of the disk."""
    return f"{TRAININGS[stage]}.views or data.limit" if stage in ("scan-train", "self-label") else "data.limit"


def print_table(found: dict[str, Measured]) -> None:
    """Print a row for each stage; the last one has all the time, the largest memory and all disk."""
    tell(_row("stage", "images", "time", "memory", "GPU memory", "disk"))
    total = 0.0
    for stage, measured in found.items():
        total += measured.seconds or 0.0
        taken = (measured.host, measured.device, measured.disk)
        tell(_row(stage, f"{measured.images:,}", duration(measured.seconds), *map(size, taken)))
    host, device = (max(getattr(measured, name) for measured in found.values()) for name in ("host", "device"))
    disk = sum(measured.disk for measured in found.values())
    tell(_row("in all", "", duration(total), *map(size, (host, device, disk))))


def _row(stage: str, images: str, *cells: str) -> str:
    return f"{stage:<14} {images:>10}" + "".join(f" {cell:>12}" for cell in cells)


def print_notes(config: Params, found: dict[str, Measured], free: Free, *, devices: int) -> None:
    """Print what is free, and how sure the figures are."""
    gpu = f"{size(free.device)} of GPU memory, " if free.device else ""
    tell(f"\nfree now: {size(free.host)} of memory, {gpu}{size(free.disk)} of disk")
    rough = [
        f"{stage} (steps of {measured.batch} images, not {getattr(config, section).batch_size})"
        for stage, section in TRAININGS.items()
        if 0 < (measured := found[stage]).batch < getattr(config, section).batch_size
    ]
    further = further_baselines(config)
    notes = [
        "How sure is that? A few seconds of each stage are scaled up, without evaluate's pictures and page: times may "
        "be wrong by a factor of two, and hold for a machine as busy as it is now. Self-labeling may stop early.",
        f"Less sure, for whole batches take too long to measure: {', '.join(rough)}." if rough else "",
        "The images are not on this machine yet: fetch is not measured." if found["fetch"].seconds is None else "",
        f"baselines is not measured with {', '.join(further)}: each that trains an encoder takes about as long as "
        f"{counted(config.baselines.epochs, 'epoch')} of pretext-train, dec twice that." * bool(further),
        f"{devices} processes share the CPUs: a training takes the time of one, and more memory."
        * (devices > 1 and not free.device),
    ]
    tell(textwrap.fill(" ".join(filter(None, notes)), COLUMNS))


def size(count: float) -> str:
    """Return ``1.3 GiB``; a dash for nothing."""
    for unit, length in UNITS:
        if count >= length:
            return f"{count / length:,.1f} {unit}"
    return f"{count:.0f} B" if count else "-"


if __name__ == "__main__":
    run(main)
