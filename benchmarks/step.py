"""Measure a training step of each stage, everything included (loading, augmentation, loss, update), in both ways.

``python -m benchmarks.step``

ResNet-18 at 32 px with the 3x3 stem, the preset cifar10's augmentations, the same batch for both. On a GPU, ours is
compiled in the first epoch, which does not count. SCAN's selection, after an epoch's steps, is timed separately.
"""

import os
import statistics
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Protocol

import numpy as np
import torch
import typer
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import conventional, ours
from benchmarks.pil_transforms import plain_transform, simclr_transform, strong_transform
from benchmarks.record import record
from benchmarks.timing import alternate, median_ratio, time_apart
from scan_core.images.images import ResidentImages
from scan_core.machine.freed_memory import keep_freed_memory, return_freed_memory
from stages.devices import choose_device, prepare

PEAKS = {"H200 NVL": 835, "H100 NVL": 835, "H100 PCIe": 756, "H200": 989, "H100": 989, "A100": 312, "L40S": 362}
"""Dense bf16 TFLOP/s, by a part of the device's name; the first match counts."""
NEIGHBORS = 20
VIEWS = {"simclr": 2, "nce": 1, "moco": 1, "scan": 2, "self_label": 1}
"""Number of trained views for each image of a batch."""
WITHOUT_GRADIENT = ("moco", "self_label")
"""Stages with one more forward pass of each image, without gradient."""


class Training(Protocol):
    def run_epoch(self) -> dict[str, float]: ...


def main(
    batch_size: Annotated[int | None, typer.Option(help="Images per step, by default 256 (CPU) or 512 (GPU).")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps per epoch; by default 2 on a CPU, 97 on a GPU.")] = None,
    repetitions: Annotated[int, typer.Option(help="Epochs of each way, in turn.")] = 3,
    width: Annotated[int, typer.Option(help="Channels of our encoder's first stage.")] = 64,
) -> None:
    """Print images/s, views/s and FLOP/s of ours, images/s of the conventional way, and the median of the ratios."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    batch_size = batch_size or (512 if on_gpu else 256)
    count = batch_size * (steps or (97 if on_gpu else 2))
    forward = forward_gflop(ours.encoder(width))
    rows = []
    for stage, training in trainings(count, batch_size, epochs=repetitions + 1, width=width, compile=on_gpu).items():
        conventionally = _conventional_by_memory if stage in ("nce", "moco") else _conventional
        epoch = conventionally(stage, ours.random_pixels(count), _neighbors(count), batch_size, device)
        gflop = forward * (3 * VIEWS[stage] + (stage in WITHOUT_GRADIENT))
        rows.append(_compare(stage, training, epoch, count, gflop, repetitions))
    record("step", rows)


def trainings(count: int, batch_size: int, *, epochs: int, width: int, compile: bool = False) -> dict[str, Training]:
    """Return our training of each stage, on ``count`` images, with an encoder of ``width``.

    Args:
        epochs: of the pretext schedules.
    """
    device = choose_device("auto")
    prepare(device)
    images = ResidentImages(ours.random_pixels(count), device)
    neighbors = torch.from_numpy(_neighbors(count))
    torch.manual_seed(0)
    pretext = partial(ours.pretext, images=images, batch_size=batch_size, epochs=epochs, compile=compile)
    return {
        **{task: pretext(task, network=ours.encoder(width)) for task in ours.PRETEXT},
        "scan": ours.scan(images, neighbors, batch_size=batch_size, network=ours.encoder(width), compile=compile),
        "self_label": ours.self_label(images, batch_size=batch_size, network=ours.encoder(width), compile=compile),
    }


def _neighbors(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, count, (count, NEIGHBORS))


def _compare(
    stage: str, training: Training, epoch: Callable[[], object], count: int, gflop: float, repetitions: int
) -> dict[str, str | float]:
    """Return the rows for one stage; ``gflop`` is the work for one image of a batch."""
    apart: list[float] = []
    if stage == "scan":
        time_apart(training, "_select", apart)
    ways = {"ours": _after(keep_freed_memory, training.run_epoch), "conventional": _after(return_freed_memory, epoch)}
    taken = alternate(ways, repetitions=repetitions)
    once = apart[-repetitions:] or [0.0] * repetitions
    stepping = [total - selection for total, selection in zip(taken["ours"], once, strict=True)]
    speed = count / statistics.median(stepping)
    peak = _peak()
    return {
        "stage": stage,
        "images/s": speed,
        "views/s": speed * VIEWS[stage],
        "GFLOP/s": speed * gflop,
        "share of peak": speed * gflop / peak if peak else "-",
        "conventional images/s": count / statistics.median(taken["conventional"]),
        "ratio": median_ratio(taken["conventional"], stepping),
        "once an epoch, images/s": count / statistics.median(once) if any(once) else "-",
    }


def _after(setting: Callable[[], None], epoch: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        setting()
        epoch()

    return run


def _conventional(
    stage: str, pixels: np.ndarray, neighbors: np.ndarray, batch_size: int, device: torch.device
) -> Callable[[], object]:
    """Return one epoch of ``stage`` the conventional way, with one loader process per core."""
    size = pixels.shape[-1]
    strong, itself = strong_transform(size), np.arange(len(pixels))[:, None]
    first, second, candidates = {
        "simclr": (simclr_transform(size), simclr_transform(size), itself),
        "scan": (strong, strong, np.concatenate([itself, neighbors], axis=1)),
        "self_label": (plain_transform(), strong, itself),
    }[stage]
    pairs = conventional.Pairs(np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)), first, second, candidates)
    loader = conventional.load(pairs, batch_size, workers=os.cpu_count() or 1)
    head: nn.Module = nn.Linear(512, ours.CLUSTERS)
    if stage == "simclr":
        head = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 128))
    model = conventional.network(head, device=device)
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-4)
    sgd = torch.optim.SGD(model.parameters(), lr=0.4, momentum=0.9, weight_decay=1e-4)
    loss = {
        "simclr": partial(conventional.simclr_loss, temperature=0.1),
        "scan": partial(conventional.scan_loss, entropy_weight=2.0),
        "self_label": partial(conventional.self_label_loss, threshold=ours.LOW_THRESHOLD),
    }[stage]
    optimizer = sgd if stage == "simclr" else adam
    return partial(conventional.run_epoch, model, loader, optimizer, loss, predict_first=stage == "self_label")


def _conventional_by_memory(
    stage: str, pixels: np.ndarray, neighbors: np.ndarray, batch_size: int, device: torch.device
) -> Callable[[], object]:
    """One epoch of ``nce`` or ``moco``, which compare with what they remember; see :func:`_conventional`."""
    transform, settings = simclr_transform(pixels.shape[-1]), ours.PRETEXT[stage]
    pictures = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
    head = nn.Linear(512, 128) if stage == "nce" else nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 128))
    model = conventional.network(head, device=device)
    sgd = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-4)
    images: conventional.Pairs | conventional.Rows = conventional.Pairs(pictures, transform, transform)
    if stage == "nce":
        images = conventional.Rows(pictures, transform)
        bank = conventional.MemoryBank(len(pixels), 128, **_some(settings, "negatives", "temperature")).to(device)

        def loss(views: Tensor, rows: Tensor) -> Tensor:
            return bank(model(views), rows)
    else:
        options = _some(settings, "queue", "momentum", "temperature")
        loss = conventional.MomentumContrast(model, 128, **options).to(device)
    loader = conventional.load(images, batch_size, workers=os.cpu_count() or 1)
    return partial(conventional.run_steps, model, loader, sgd, loss)


def _some(settings: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: settings[name] for name in names}


def forward_gflop(network: nn.Module, size: int = 32) -> float:
    """Return the GFLOP of one image's forward pass; a trained view costs three times as much."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, size, size))
    return counter.get_total_flops() / 1e9


def _peak() -> float | None:
    """Return the device's known peak in GFLOP/s."""
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return next((peak * 1e3 for part, peak in PEAKS.items() if part in name), None)


if __name__ == "__main__":
    typer.run(main)
