"""Measure the memory of one epoch on a dataset that is larger than memory, streamed from the disk.

``python -m benchmarks.large --gibibytes 20``
"""

import re
import tempfile
import threading
import time
from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from PIL import Image

from benchmarks.record import record
from scan_core.artifacts.shards import ShardFormat
from scan_core.augment.pipeline import Augmentation
from scan_core.encoders.resnet import ResNet
from scan_core.images.open_images import open_images
from scan_core.ingest.prepare import Prepared
from scan_core.ingest.store import shard_store
from scan_core.pretext.simclr import SimCLR
from scan_core.pretext.training import PretextTraining

SIZE = 224
DISTINCT = 256
BATCH = 128
GIBIBYTE, MEBIBYTE = 2**30, 2**20


def main(
    gibibytes: Annotated[float, typer.Option(help="Size of the dataset, both on the disk and in pixels.")] = 1.0,
    workers: Annotated[int, typer.Option(help="Threads that decode.")] = 2,
    folder: Annotated[Path | None, typer.Option(help="Folder for the temporary dataset.")] = None,
) -> None:
    """Train a small network for an epoch with SimCLR; print images/s and the peak of anonymous memory in MiB."""
    count = int(gibibytes * GIBIBYTE) // (3 * SIZE**2)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        start = time.perf_counter()
        _write(Path(name), count)
        stored = sum(path.stat().st_size for path in Path(name).iterdir()) / GIBIBYTE
        written = time.perf_counter() - start
        training = _training(Path(name), count, workers)
        before = _anonymous()
        start, peak = time.perf_counter(), _Peak()
        with peak:
            metrics = training.run_epoch()
        seconds = time.perf_counter() - start
    row = {"images": count, "GiB on disk": stored, "writing s": written, "epoch s": seconds}
    row |= {"images/s": count / seconds, "MiB before": before / MEBIBYTE, "MiB peak": peak.bytes / MEBIBYTE}
    record("large", [row | {"loss": metrics["loss"]}])


def _write(folder: Path, count: int) -> None:
    """Write noise, which no encoding compresses; each image appears many times, at different positions."""
    noise = np.random.default_rng(0).integers(0, 256, (DISTINCT, SIZE, SIZE, 3), dtype=np.uint8)
    pictures = [_prepared(pixels) for pixels in noise]
    with shard_store(folder, count, ShardFormat(3, SIZE, "crop")) as store:
        for row in range(count):
            store.put(row, pictures[row % DISTINCT])
        store.keep(np.ones(count, bool))


def _prepared(pixels: np.ndarray) -> Prepared:
    file = BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=1)
    return Prepared(
        pixels.transpose(2, 0, 1), file.getvalue(), (SIZE, SIZE), np.zeros((3, 2), np.int64), b"", None, False
    )


def _training(folder: Path, count: int, workers: int) -> PretextTraining:
    encoder = ResNet("resnet10", width=4, stem="7x7-pool", channels=3)
    return PretextTraining(
        SimCLR(
            encoder, images=count, batch_size=BATCH, temperature=0.5, hidden_dim=32, projection_dim=16, batch_norm=False
        ),
        open_images(folder, torch.device("cpu"), workers=workers),
        torch.arange(count),
        Augmentation({"random_horizontal_flip": {"p": 0.5}}, mean=[0.5] * 3, std=[0.25] * 3),
        epochs=1,
        batch_size=BATCH,
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=1e-4,
        warmup_epochs=0,
        final_learning_rate=0.1,
        precision="bfloat16",
        generator=torch.Generator().manual_seed(0),
    )


class _Peak:
    """The largest anonymous memory, sampled ten times a second."""

    def __init__(self) -> None:
        self.bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self.bytes = max(self.bytes, _anonymous())


def _anonymous() -> int:
    found = re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    typer.run(main)
