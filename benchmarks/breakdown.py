"""Measure where the time of a training step goes, and compare its convolutions with a plain matrix product.

``python -m benchmarks.breakdown``

Runs the trainings of ``benchmarks.step`` under torch's profiler. The time of every operation is
attributed to its outermost caller, for instance the augmentation. SCAN's selection, once per epoch, is left out. The
profiler makes short operations slightly slower.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import torch
import typer
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks import ours, step
from benchmarks.record import record
from benchmarks.timing import seconds
from scan_core.augment.operation import Parameters
from scan_core.augment.pipeline import Augmentation
from scan_core.augment.pixels import Bytes, ImageBatch
from scan_core.training.precision import computes_in_bfloat16

PARTS = {
    "once an epoch": "once an epoch",
    "augmentation": "augmentation",
    "convolutionbackward": "convolutions, backward",
    "convolution": "convolutions, forward",
    "batchnorm": "batch normalization",
    "relu": "rectifiers",
    "threshold": "rectifiers",
    "clampmin": "rectifiers",
    "optimizer": "optimizer",
    "tocopy": "conversions of weights and gradients",
}
"""Part of an operation's name (without underscores) -> the part of the step it belongs to; the first match counts."""
REST = "everything else"
PRODUCT = 2048


def main(
    batch_size: Annotated[int | None, typer.Option(help="Images per step, by default 64 (CPU) or 512 (GPU).")] = None,
    steps: Annotated[int, typer.Option(help="Steps to profile.")] = 2,
    width: Annotated[int, typer.Option(help="Channels of our encoder's first stage.")] = 64,
) -> None:
    """Print each part's share of a step, and GFLOP/s of the convolutions and of matrix products."""
    on_gpu = torch.cuda.is_available()
    batch_size = batch_size or (512 if on_gpu else 64)
    rows: list[dict[str, str | float]] = []
    for stage, training in step.trainings(batch_size * steps, batch_size, epochs=2, width=width).items():
        training.run_epoch()
        augmentation: object = getattr(training, "_learner", training)._augmentation  # type: ignore[union-attr]
        augmentation.__class__ = _MarkedAugmentation
        if stage == "scan":
            _mark(training, "_select", "once an epoch")
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
        with profile(activities=activities) as profiler:
            training.run_epoch()
        taken = _sum(profiler.events(), on_gpu)
        forward = step.forward_gflop(ours.encoder(width)) * batch_size * steps * step.VIEWS[stage]
        work = {"convolutions, backward": 2 * forward, "convolutions, forward": forward * (1 + (stage == "self_label"))}
        total = sum(taken.values())
        for part, time in sorted(taken.items(), key=lambda item: -item[1]):
            speed = work[part] / time if part in work and time else "-"
            rows.append({"stage": stage, "part": part, "share": time / total, "GFLOP/s": speed})
    device = torch.device("cuda" if on_gpu else "cpu")
    for dtype in (torch.bfloat16, torch.float32) if computes_in_bfloat16(device) else (torch.float32,):
        rows.append(
            {"stage": "-", "part": f"matrix product, {dtype}", "share": "-", "GFLOP/s": _product_speed(device, dtype)}
        )
    record("breakdown", rows)


class _MarkedAugmentation(Augmentation):
    """An augmentation whose operations the profiler attributes to ``augmentation``."""

    def draw(self, shape: tuple[int, int, int], generator: torch.Generator) -> dict[str, Parameters]:
        with record_function("augmentation"):
            return super().draw(shape, generator)

    def apply(self, images: Bytes, batches: Sequence[Mapping[str, Parameters]]) -> ImageBatch:
        with record_function("augmentation"):
            return super().apply(images, batches)


def _mark(training: step.Training, name: str, label: str) -> None:
    """Make the profiler attribute the method ``name`` to ``label``."""
    function: Callable[..., object] = getattr(training, name)

    def marked(*arguments: object) -> object:
        with record_function(label):
            return function(*arguments)

    setattr(training, name, marked)


def _sum(events: list[FunctionEvent], on_gpu: bool) -> dict[str, float]:
    """Return the seconds of each part, without what happens once per epoch."""
    taken: dict[str, float] = {}
    for event in events:
        if event.device_type.name != "CPU":
            continue  # a kernel, whose time is that of the operation on the CPU that launched it
        time = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        part = _part(event)
        taken[part] = taken.get(part, 0.0) + time / 1e6
    taken.pop("once an epoch", None)
    return taken


def _part(event: FunctionEvent) -> str:
    """Return the part of the step, by the outermost caller that belongs to one."""
    found = REST
    caller: FunctionEvent | None = event
    while caller:
        name = caller.name.lower().replace("_", "")
        found = next((part for key, part in PARTS.items() if key in name), found)
        caller = caller.cpu_parent
    return found


def _product_speed(device: torch.device, dtype: torch.dtype) -> float:
    factor = torch.randn(PRODUCT, PRODUCT, device=device).to(dtype)
    factor @ factor
    return 2 * PRODUCT**3 / 1e9 / min(seconds(lambda: factor @ factor) for _ in range(10))


if __name__ == "__main__":
    typer.run(main)
