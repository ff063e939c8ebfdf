"""Measure an epoch of SCAN and of self-labeling on cached features: all heads as one matrix product, or one by one.

``python -m benchmarks.frozen``

100,000 random features of width 512, eight cached views, 10 heads of 100 clusters, 20 neighbors, batches of 1,024,
float32. The other way is the obvious one: an ``nn.Linear`` for each head, trained one after another on the same draws
of the same cached features, with the same loss and torch's SGD. A test shows that both end with the same heads. What
SCAN does once per epoch (the loss of every head on the plain images, over all neighbors) is timed separately.
"""

import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import Tensor, nn

from benchmarks.record import record
from benchmarks.timing import alternate, median_ratio, time_apart
from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.frozen_encoder import FrozenEncoder, draw_views
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.objective import scan_objective
from scan_core.clustering.pairs import draw_partners
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.scan_loss import scan_loss
from scan_core.clustering.self_label import SelfLabelTraining
from scan_core.encoders.resnet import ResNet
from scan_core.training.batches import shuffled_batches

SETTINGS = {"weight_decay": 0.0, "optimizer": "sgd", "momentum": 0.9}
ENTROPY_WEIGHT, LEARNING_RATE, NEIGHBORS = 5.0, 0.1, 20


def main(
    images: Annotated[int, typer.Option(help="Number of images.")] = 100_000,
    width: Annotated[int, typer.Option(help="Width of the features, a multiple of 8.")] = 512,
    views: Annotated[int, typer.Option(help="Cached augmentations of each image.")] = 8,
    heads: Annotated[int, typer.Option(help="Number of SCAN's heads.")] = 10,
    clusters: Annotated[int, typer.Option(help="Clusters of each head.")] = 100,
    batch_size: Annotated[int, typer.Option(help="Images per step.")] = 1024,
    repetitions: Annotated[int, typer.Option(help="Epochs of each way, in turn.")] = 3,
) -> None:
    """Print the seconds of an epoch, of what happens once in it, and the ratio to one head after another."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    model = partial(_model, width, clusters)
    with tempfile.TemporaryDirectory() as folder:
        features = _random_features(Path(folder) / "features.f16", (1 + views, images, width), device)
        neighbors = torch.randint(images, (images, NEIGHBORS))
        fixed: dict[str, Any] = {"batch_size": batch_size, "learning_rate": LEARNING_RATE, **SETTINGS}
        scan = ScanTraining(
            FrozenEncoder(model(heads).to(device), features, precision="float32"),
            neighbors,
            objective=scan_objective(entropy_weight=ENTROPY_WEIGHT),
            generator=torch.Generator().manual_seed(0),
            **fixed,
        )
        self_label = SelfLabelTraining(
            FrozenEncoder(model(1).to(device), features, precision="float32"),
            neighbors,
            threshold=0.0,
            class_balance=True,
            generator=torch.Generator().manual_seed(0),
            **fixed,
        )
        linear = [nn.Linear(width, clusters).to(device) for _ in range(heads)]
        one_by_one = partial(_heads_one_by_one, linear, features, neighbors, batch_size)
        record("frozen", [_scan_row(scan, one_by_one, repetitions), _self_label_row(self_label, repetitions)])


def _model(width: int, clusters: int, heads: int) -> ClusteringModel:
    """Return a network of the features' width, of which only the heads are used."""
    return ClusteringModel(ResNet("resnet10", width=width // 8, stem="3x3", channels=3), clusters=clusters, heads=heads)


def _random_features(path: Path, shape: tuple[int, int, int], device: torch.device) -> CachedFeatures:
    """Return a file as ``cache_features`` writes it: views are the image's features with some noise."""
    generator = np.random.default_rng(0)
    plain = generator.standard_normal(shape[1:], dtype=np.float32)
    with path.open("wb") as file:
        file.write(plain.astype(np.float16).tobytes())
        for _ in range(1, shape[0]):
            noise = generator.standard_normal(shape[1:], dtype=np.float32)
            file.write((plain + 0.5 * noise).astype(np.float16).tobytes())
    return CachedFeatures(np.memmap(path, np.float16, "c", shape=shape), device)


def _heads_one_by_one(heads: list[nn.Linear], features: CachedFeatures, neighbors: Tensor, batch_size: int) -> None:
    for head in heads:
        generator = torch.Generator().manual_seed(0)
        rows = shuffled_batches(len(features), batch_size, generator)
        partners = draw_partners(rows, neighbors, generator)
        views = draw_views(rows == partners, features.views, generator)
        optimizer = torch.optim.SGD(head.parameters(), lr=LEARNING_RATE, momentum=0.9)
        for pair, seen in zip(torch.cat([rows, partners], dim=1), views, strict=True):
            anchor, neighbor = head(features.gather(pair, seen)).chunk(2)
            optimizer.zero_grad()
            scan_loss(anchor, neighbor, entropy_weight=ENTROPY_WEIGHT).total.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def _scan_row(scan: ScanTraining, one_by_one: Callable[[], None], repetitions: int) -> dict[str, str | float]:
    apart: list[float] = []
    time_apart(scan, "_select", apart)
    taken = alternate({"ours": scan.run_epoch, "one by one": one_by_one}, repetitions=repetitions)
    stepping = [total - once for total, once in zip(taken["ours"], apart[-repetitions:], strict=True)]
    return {
        "stage": "scan",
        "epoch, s": statistics.median(taken["ours"]),
        "steps, s": statistics.median(stepping),
        "once an epoch, s": statistics.median(apart[-repetitions:]),
        "heads one by one: steps, s": statistics.median(taken["one by one"]),
        "ratio of the steps": median_ratio(taken["one by one"], stepping),
    }


def _self_label_row(self_label: SelfLabelTraining, repetitions: int) -> dict[str, str | float]:
    taken = alternate({"ours": self_label.run_epoch}, repetitions=repetitions)["ours"]
    row: dict[str, str | float] = {"stage": "self_label", "epoch, s": statistics.median(taken)}
    return row | dict.fromkeys(
        ("steps, s", "once an epoch, s", "heads one by one: steps, s", "ratio of the steps"), "-"
    )


if __name__ == "__main__":
    typer.run(main)
