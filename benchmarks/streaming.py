"""Measure training from the disk against training from memory: one epoch of each in turn, on the same images.

``python -m benchmarks.streaming``
"""

import statistics
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from PIL import Image

from benchmarks import ours
from benchmarks.record import record
from benchmarks.timing import alternate, median_ratio
from scan_core.artifacts.shards import ShardFormat
from scan_core.encoders.resnet import ResNet
from scan_core.images.images import Images
from scan_core.images.open_images import open_images
from scan_core.images.preparation import Preparation
from scan_core.ingest.prepare import prepare
from scan_core.ingest.store import pixel_store, shard_store
from scan_core.pretext.training import PretextTraining

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
            pictures = _pictures(images, format, side)
            for encoder in ENCODERS:
                count = images if encoder == "digits-size" else images // 16
                _write(Path(folder) / kind / encoder, pictures[:count])
                rows.append(_compare(Path(folder) / kind / encoder, encoder, repetitions) | {"stored": kind})
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


def _compare(folder: Path, encoder: str, repetitions: int) -> dict[str, str | float]:
    places = {name: open_images(folder / name, torch.device("cpu"), workers=2) for name in ("memory", "disk")}
    epochs = {name: _training(encoder, images, repetitions + 1).run_epoch for name, images in places.items()}
    taken = alternate(epochs, repetitions=repetitions)
    speeds = {f"{name} images/s": len(places[name]) / statistics.median(seconds) for name, seconds in taken.items()}
    return {"encoder": encoder, **speeds, "disk / memory": median_ratio(taken["memory"], taken["disk"])}


def _training(encoder: str, images: Images, epochs: int) -> PretextTraining:
    name, width, precision = ENCODERS[encoder]
    torch.manual_seed(0)
    network = ResNet(name, width=width, stem="3x3", channels=3)
    batch_size = BATCH[encoder]
    return ours.simclr(images, batch_size=batch_size, epochs=epochs, precision=precision, network=network)


if __name__ == "__main__":
    typer.run(main)
