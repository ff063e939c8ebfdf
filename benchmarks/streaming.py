"""Measure training from the disk against training from memory: one epoch of each in turn, on the same images.

``python -m benchmarks.streaming``
"""

import statistics
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer
from PIL import Image

from benchmarks.record import record
from scan_core.artifacts.shards import ShardFormat
from scan_core.augment.pipeline import Augmentation
from scan_core.encoders.resnet import ResNet
from scan_core.images.images import Images
from scan_core.images.open_images import open_images
from scan_core.images.preparation import Preparation
from scan_core.ingest.prepare import prepare
from scan_core.ingest.store import pixel_store, shard_store
from scan_core.pretext.simclr import SimCLR
from scan_core.pretext.training import PretextTraining

SIMCLR: dict[str, dict[str, object]] = {
    "random_resized_crop": {"scale": (0.2, 1.0), "ratio": (0.75, 1.3333)},
    "random_horizontal_flip": {"p": 0.5},
    "color_jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "p": 0.8},
    "random_grayscale": {"p": 0.2},
}
ENCODERS = {"digits-size": ("resnet10", 24, "float32"), "resnet18": ("resnet18", 64, "bfloat16")}
BATCH = {"digits-size": 256, "resnet18": 64}
FORMATS = {"png": ("PNG", 32), "jpeg": ("JPEG", 64)}
"""Encoding, and pixels per side before resizing to 32."""


def main(
    images: Annotated[int, typer.Option(help="Images in an epoch of the smaller encoder.")] = 4096,
    repetitions: Annotated[int, typer.Option(help="Epochs of each way, in turn.")] = 5,
) -> None:
    """Print images/s of a SimCLR epoch from memory and from shards, and the median of the ratios."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, (format, side) in FORMATS.items():
            _write(Path(folder) / kind, _pictures(images, format, side))
            for encoder in ENCODERS:
                count = images if encoder == "digits-size" else images // 16
                rows.append(_compare(Path(folder) / kind, encoder, count, repetitions) | {"stored": kind})
    record("streaming", rows)


def _pictures(count: int, format: str, side: int) -> list[bytes]:
    """Return smooth random images, which compress about as well as photographs."""
    noise = np.random.default_rng(0).integers(0, 256, (count, side // 4, side // 4, 3), dtype=np.uint8)
    return [_encoded(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC), format) for image in noise]


def _encoded(image: Image.Image, format: str) -> bytes:
    file = BytesIO()
    image.save(file, format=format)
    return file.getvalue()


def _write(folder: Path, pictures: list[bytes]) -> None:
    for name, kind in (("memory", pixel_store), ("disk", shard_store)):
        with kind(folder / name, len(pictures), ShardFormat(3, 32, "crop")) as store:
            for row, picture in enumerate(pictures):
                store.put(row, prepare(picture, Preparation(32, "crop"), encode=store.encoded))
            store.keep(np.ones(len(pictures), bool))


def _compare(folder: Path, encoder: str, count: int, repetitions: int) -> dict[str, str | float]:
    ids = np.arange(count)
    trainings = {
        name: _training(encoder, open_images(folder / name, torch.device("cpu"), workers=2), ids, repetitions + 1)
        for name in ("memory", "disk")
    }
    speeds: dict[str, list[float]] = {"memory": [], "disk": []}
    for repetition in range(repetitions + 1):
        for name, training in trainings.items():
            start = time.perf_counter()
            training.run_epoch()
            if repetition:  # the first one warms up
                speeds[name].append(count / (time.perf_counter() - start))
    ratios = [disk / memory for disk, memory in zip(speeds["disk"], speeds["memory"], strict=True)]
    medians = {f"{name} images/s": statistics.median(values) for name, values in speeds.items()}
    return {"encoder": encoder, **medians, "disk / memory": statistics.median(ratios)}


def _training(encoder: str, images: Images, ids: npt.NDArray[np.int64], epochs: int) -> PretextTraining:
    name, width, precision = ENCODERS[encoder]
    torch.manual_seed(0)
    network = ResNet(name, width=width, stem="3x3", channels=3)
    return PretextTraining(
        SimCLR(
            network,
            images=len(ids),
            batch_size=BATCH[encoder],
            temperature=0.5,
            hidden_dim=128,
            projection_dim=64,
            batch_norm=False,
        ),
        images,
        torch.from_numpy(ids),
        Augmentation(SIMCLR, mean=[0.5] * 3, std=[0.25] * 3),
        epochs=epochs,
        batch_size=BATCH[encoder],
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=1e-4,
        warmup_epochs=0,
        final_learning_rate=0.1,
        precision=precision,
        generator=torch.Generator().manual_seed(0),
    )


if __name__ == "__main__":
    typer.run(main)
