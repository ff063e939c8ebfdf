"""What benchmarks.growth measures, and how it measures one point."""

import contextlib
import re
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks import ours
from scan_core.clustering.scan_loss import scan_loss
from scan_core.clustering.selection import selection_loss
from scan_core.data.images import ResidentImages
from scan_core.encoders.resnet import ResNet
from scan_core.evaluation.confusion import confusion
from scan_core.evaluation.matching import contingency, one_to_one
from scan_core.evaluation.metrics import score
from scan_core.neighbors.mine import mine_neighbors

Work = Callable[[], object]
MEBIBYTE = 2**20
LABELED = 60_000
"""Images behind each point against C."""
ENOUGH_SECONDS, MOST_CALLS = 0.3, 50
SMALL = 128


def mining(count: int, device: torch.device) -> Work:
    points = torch.nn.functional.normalize(torch.randn(count, 128)).numpy()
    return lambda: mine_neighbors(points, np.arange(count), k=20, gpus=[0] if device.type == "cuda" else [])


def selection(count: int, device: torch.device) -> Work:
    logits = torch.randn(1, count, 10, device=device)
    rows = torch.randint(count, (count, 20), device=device)
    return lambda: selection_loss(logits, rows, entropy_weight=5.0, prior=None)


def metrics(count: int, device: torch.device) -> Work:
    probabilities = torch.rand(count, 10).numpy()
    labels = torch.randint(10, (count,)).numpy()
    clusters = probabilities.argmax(1)
    return lambda: score(clusters, labels, cluster_count=10, class_count=10, probabilities=probabilities)


def epoch(count: int, device: torch.device) -> Work:
    images = ResidentImages(ours.random_pixels(count, 16), device)
    network = ResNet("resnet10", width=4, stem="3x3-stride2", channels=3)
    return ours.simclr(images, batch_size=128, epochs=MOST_CALLS, precision="float32", network=network).run_epoch


def loss(clusters: int, device: torch.device) -> Work:
    anchors, neighbors = (torch.randn(512, clusters, device=device, requires_grad=True) for _ in range(2))
    return lambda: scan_loss(anchors, neighbors, entropy_weight=5.0).total.backward()  # type: ignore[no-untyped-call]


def matching(clusters: int, device: torch.device) -> Work:
    found, labels = torch.randint(clusters, (2, LABELED)).numpy()
    return lambda: one_to_one(contingency(found, labels, cluster_count=clusters, class_count=clusters))


def confusions(clusters: int, device: torch.device) -> Work:
    found, labels = torch.randint(clusters, (2, LABELED)).numpy()
    return lambda: confusion(found, labels, np.arange(clusters), class_count=clusters)


AGAINST_N: dict[str, Callable[[int, torch.device], Work]] = {
    "mining": mining,
    "selection loss": selection,
    "metrics": metrics,
    "training epoch": epoch,
}
AGAINST_C: dict[str, Callable[[int, torch.device], Work]] = {
    "SCAN loss": loss,
    "Hungarian matching": matching,
    "confusion": confusions,
}
ON_DEVICE = ("mining", "selection loss", "training epoch", "SCAN loss")


def measure(name: str, size: int) -> tuple[float, float]:
    """Seconds of the fastest call, and MiB at the peak of all."""
    torch.manual_seed(0)
    device = torch.device("cuda" if name in ON_DEVICE and torch.cuda.is_available() else "cpu")
    build = (AGAINST_N | AGAINST_C)[name]
    build(min(size, SMALL), device)()  # loads what is loaded at the first use
    work = build(size, device)
    before = _reset_peak(device)
    seconds: list[float] = []
    while len(seconds) < 2 or (sum(seconds) < ENOUGH_SECONDS and len(seconds) < MOST_CALLS):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds), (_peak(device) - before) / MEBIBYTE


def _reset_peak(device: torch.device) -> int:
    """Bytes in use now; from here on, the peak is new."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    with contextlib.suppress(OSError):  # elsewhere than on Linux the peak is that since the start
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak(device)


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    with contextlib.suppress(OSError):
        if found := re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii")):
            return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
