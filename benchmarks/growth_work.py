"""The work that benchmarks.growth measures, and the measurement of one point."""

import contextlib
import re
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from benchmarks import ours
from scan_core.artifacts.shards import ShardFormat
from scan_core.clustering.scan_loss import scan_loss
from scan_core.datasets.dataset import Dataset
from scan_core.encoders.inference import infer
from scan_core.encoders.resnet import ResNet
from scan_core.evaluation.confusion import confusion
from scan_core.evaluation.matching import contingency, one_to_one
from scan_core.evaluation.metrics import score
from scan_core.evaluation.purity import neighbor_purity
from scan_core.images.images import ResidentImages
from scan_core.images.preparation import Preparation
from scan_core.ingest.load import load_images
from scan_core.ingest.store import pixel_store
from scan_core.kmeans.kmeans import kmeans
from scan_core.neighbors.mine import mine_neighbors

Work = Callable[[], object]
MEBIBYTE = 2**20
LABELED = 60_000
"""Number of images for each point against C."""
ENOUGH_SECONDS, MOST_CALLS = 0.3, 50
SMALL = 128
SIZE, BATCH = 8, 128
"""Pixels per side of the training images, and the batch size."""
KINDS, DIMENSIONS, K = 1000, 128, 20


def embeddings(count: int) -> npt.NDArray[np.float32]:
    """Unit vectors [count, DIMENSIONS] around KINDS directions; two of a kind have a cosine of 0.5."""
    generator = np.random.default_rng(0)
    kinds = generator.standard_normal((KINDS, DIMENSIONS), dtype=np.float32)
    points = generator.standard_normal((count, DIMENSIONS), dtype=np.float32)
    points += kinds[generator.integers(KINDS, size=count)]
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points


def fetch(count: int, device: torch.device) -> Work:
    pixels, rows = ours.random_pixels(count, SIZE), np.random.default_rng(0).permutation(count)
    dataset = Dataset(
        3, np.full(count, "train", object), rows, (), [""] * count, lambda rows: (pixels[i] for i in rows)
    )

    def bring_in() -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            pixel_store(Path(folder), count, ShardFormat(3, SIZE, "crop")) as store,
        ):
            load_images(dataset, rows, store, preparation=Preparation(SIZE, "crop"), workers=2, skip_unreadable=False)
            store.keep(np.ones(count, bool))

    return bring_in


def pretext(count: int, device: torch.device) -> Work:
    images = _images(count, device)
    return ours.simclr(images, epochs=MOST_CALLS, batch_size=BATCH, precision="float32", network=_network()).run_epoch


def embed(count: int, device: torch.device) -> Work:
    images, network, ids = _images(count, device), _network().to(device), torch.arange(count)
    return lambda: infer(network, images, ids, mean=ours.MEAN, std=ours.STD, precision="float32")


def mining(count: int, device: torch.device) -> Work:
    points, gpus = embeddings(count), [0] if device.type == "cuda" else []
    return lambda: mine_neighbors(points, np.arange(count), k=K, gpus=gpus)


def approximate_mining(count: int, device: torch.device) -> Work:
    points, gpus = embeddings(count), [0] if device.type == "cuda" else []
    return lambda: mine_neighbors(points, np.arange(count), k=K, gpus=gpus, exact_up_to=1)


def baseline(count: int, device: torch.device) -> Work:
    points = embeddings(count)
    return lambda: kmeans(points, fit_ids=np.arange(count), clusters=10, seed=0, inits=1)


def scan(count: int, device: torch.device) -> Work:
    rows = torch.randint(count, (count, K))
    images = _images(count, device)
    return ours.scan(images, rows, batch_size=BATCH, precision="float32", network=_network()).run_epoch


def self_label(count: int, device: torch.device) -> Work:
    images = _images(count, device)
    return ours.self_label(images, batch_size=BATCH, precision="float32", network=_network()).run_epoch


def evaluation(count: int, device: torch.device) -> Work:
    probabilities = torch.rand(count, 10).numpy()
    labels = torch.randint(10, (count,)).numpy()
    clusters, neighbors = probabilities.argmax(1), torch.randint(count, (count, K)).numpy()

    def evaluate() -> None:
        score(clusters, labels, cluster_count=10, class_count=10, probabilities=probabilities)
        neighbor_purity(np.arange(count), neighbors, labels)

    return evaluate


def _images(count: int, device: torch.device) -> ResidentImages:
    return ResidentImages(ours.random_pixels(count, SIZE), device)


def _network() -> ResNet:
    return ResNet("resnet10", width=4, stem="3x3-stride2", channels=3)


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
    "fetch": fetch,
    "pretext epoch": pretext,
    "embed": embed,
    "mining, exact": mining,
    "mining, IVF": approximate_mining,
    "k-means": baseline,
    "SCAN epoch": scan,
    "self-label epoch": self_label,
    "evaluate": evaluation,
}
AGAINST_C: dict[str, Callable[[int, torch.device], Work]] = {
    "SCAN loss": loss,
    "Hungarian matching": matching,
    "confusion": confusions,
}
ON_DEVICE = ("pretext epoch", "embed", "mining, exact", "mining, IVF", "SCAN epoch", "self-label epoch", "SCAN loss")


def measure(name: str, size: int) -> tuple[float, float]:
    """Return the seconds of the fastest call (CPU time; on a GPU, wall-clock time), and the peak MiB of all."""
    torch.manual_seed(0)
    device = torch.device("cuda" if name in ON_DEVICE and torch.cuda.is_available() else "cpu")
    build = (AGAINST_N | AGAINST_C)[name]
    build(min(size, SMALL), device)()  # warms up
    work = build(size, device)
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    before = _reset_peak(device)
    seconds: list[float] = []
    while not seconds or (sum(seconds) < ENOUGH_SECONDS and len(seconds) < MOST_CALLS):
        start = clock()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(clock() - start)
    return min(seconds), (_peak(device) - before) / MEBIBYTE


def _reset_peak(device: torch.device) -> int:
    """Return the bytes in use, and reset the peak."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    with contextlib.suppress(OSError):  # outside Linux, the peak counts from the start of the process
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak(device)


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    with contextlib.suppress(OSError):
        if found := re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii")):
            return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
