"""Measure 1,000 clusters on two cores: everything after the embedding, with the library's functions.

``python -m benchmarks.thousand``

Synthetic features: 1,000 centers, 100 images around each, and cached views around each image, as a frozen encoder would
give them. Mines neighbors, trains SCAN and self-labeling on the views, and writes all that evaluate writes. In addition
to the ACC, it prints that of the nearest true center, an upper bound, and that of k-means.
"""

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from benchmarks.record import record
from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.frozen_encoder import FrozenEncoder
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.objective import scan_objective
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.self_label import SelfLabelTraining
from scan_core.encoders.resnet import ResNet
from scan_core.evaluation.purity import neighbor_purity
from scan_core.evaluation.report import write_charts, write_galleries, write_tables
from scan_core.evaluation.results import Results, score_baselines, step_result
from scan_core.evaluation.truth import Truth
from scan_core.images.images import ResidentImages
from scan_core.kmeans.kmeans import kmeans
from scan_core.neighbors.mine import mine_neighbors
from scan_core.neighbors.search import present_gpus

WIDTH, DIMENSIONS, VIEWS, NEIGHBORS = 128, 32, 4, 20
"""Features of width 128 that vary in 32 directions."""
IMAGE_SPREAD, VIEW_SPREAD = 0.75, 0.3
"""Standard deviations around a class's center (which has unit variance), and around an image."""


def main(
    classes: Annotated[int, typer.Option(help="Number of classes and of clusters.")] = 1000,
    images: Annotated[int, typer.Option(help="Images of each class.")] = 100,
    epochs: Annotated[int, typer.Option(help="Epochs of SCAN; self-labeling takes a fifth.")] = 12,
    folder: Annotated[Path | None, typer.Option(help="Folder to keep the tables and pictures in.")] = None,
) -> None:
    """Print the seconds of each part, the peak of the process's memory at its end, and the ACC reached."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows: list[dict[str, str | float]] = []

    def timed(part: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        rows.append({"part": part, "s": time.perf_counter() - start, "peak GiB": peak, "ACC": "-"})
        return result

    with tempfile.TemporaryDirectory() as temporary:
        made = timed("make features", lambda: _Synthetic(classes, images, Path(temporary) / "features.f16", device))
        ids = np.arange(len(made.labels))
        gpus = present_gpus() if device.type == "cuda" else ()
        neighbors = timed(
            "mine neighbors", lambda: mine_neighbors(made.embeddings, ids, k=NEIGHBORS, gpus=gpus).neighbors
        )
        table = torch.from_numpy(neighbors.neighbor_id.astype(np.int64))
        scan = timed("scan", lambda: _scan(made.features, table, classes, epochs))
        model = timed("self-label", lambda: _self_label(made.features, scan, classes, -(-epochs // 5)))
        found = timed("k-means", lambda: kmeans(made.embeddings, fit_ids=ids, clusters=classes, seed=0))
        purity = neighbor_purity(ids, neighbors.neighbor_id, made.labels)
        steps = timed("score", lambda: _score(made, (scan, model), found, purity))
        report = folder or Path(temporary) / "report"
        timed("tables", lambda: write_tables(report, steps, [str(row) for row in ids]))
        timed("charts", lambda: write_charts(report, steps, steps.truth.names))
        timed(
            "galleries",
            lambda: write_galleries(
                report, steps, ids, made.pictures(), made.embeddings, steps.truth.names, prototype_count=10
            ),
        )
    oracle = float((made.nearest_center == made.labels).mean())
    accuracies = {"make features": oracle, "scan": steps.scan.scores.acc, "self-label": steps.self_label.scores.acc}
    accuracies["k-means"] = steps.baselines["kmeans"].acc
    record("thousand", [{**row, "ACC": accuracies.get(str(row["part"]), "-")} for row in rows])


class _Synthetic:
    """Features with known classes, and images that show them."""

    def __init__(self, classes: int, images: int, path: Path, device: torch.device) -> None:
        generator = np.random.default_rng(0)
        self.labels = generator.permutation(np.repeat(np.arange(classes), images))
        basis = np.linalg.qr(generator.standard_normal((WIDTH, DIMENSIONS)))[0].astype(np.float32).T

        def normal(count: int) -> np.ndarray:
            return generator.standard_normal((count, DIMENSIONS), dtype=np.float32) @ basis

        centers = normal(classes)
        plain = centers[self.labels] + IMAGE_SPREAD * normal(len(self.labels))
        with path.open("wb") as file:
            file.write(plain.astype(np.float16).tobytes())
            for _ in range(VIEWS):
                file.write((plain + VIEW_SPREAD * normal(len(plain))).astype(np.float16).tobytes())
        self.features = CachedFeatures(np.memmap(path, np.float16, "c", shape=(1 + VIEWS, *plain.shape)), device)
        self.embeddings = plain / np.linalg.norm(plain, axis=1, keepdims=True)
        self.nearest_center = np.concatenate(
            [(chunk @ centers.T - (centers**2).sum(1) / 2).argmax(1) for chunk in np.array_split(plain, 50)]
        )

    def pictures(self) -> ResidentImages:
        """Return RGB images of 32 px whose pattern shows the class."""
        patterns = np.random.default_rng(1).integers(0, 256, (self.labels.max() + 1, 3, 4, 4), dtype=np.uint8)
        return ResidentImages(patterns[self.labels].repeat(8, axis=2).repeat(8, axis=3), torch.device("cpu"))


def _model(clusters: int, device: torch.device) -> ClusteringModel:
    """Return a network of the features' width, of which only the heads are used."""
    torch.manual_seed(0)
    encoder = ResNet("resnet10", width=WIDTH // 8, stem="3x3", channels=3)
    return ClusteringModel(encoder, clusters=clusters, heads=1).to(device)


def _scan(features: CachedFeatures, neighbor_rows: torch.Tensor, clusters: int, epochs: int) -> ClusteringModel:
    model = _model(clusters, features.device)
    training = ScanTraining(
        FrozenEncoder(model, features, precision="float32"),
        neighbor_rows,
        objective=scan_objective(entropy_weight=5.0),
        batch_size=min(2048, len(features)),
        learning_rate=1e-2,
        weight_decay=0.0,
        generator=torch.Generator().manual_seed(0),
    )
    for _ in range(epochs):
        training.run_epoch()
    model.load_state_dict(training.best()[0])
    return model


def _self_label(features: CachedFeatures, start: ClusteringModel, clusters: int, epochs: int) -> ClusteringModel:
    model = _model(clusters, features.device)
    model.load_state_dict(start.state_dict())
    training = SelfLabelTraining(
        FrozenEncoder(model, features, precision="float32"),
        torch.empty(len(features), 0, dtype=torch.int64),
        threshold=0.8,
        class_balance=True,
        batch_size=min(2048, len(features)),
        learning_rate=1e-3,
        weight_decay=0.0,
        generator=torch.Generator().manual_seed(0),
    )
    for _ in range(epochs):
        training.run_epoch()
    return model


def _score(
    made: _Synthetic, models: tuple[ClusteringModel, ClusteringModel], found: np.ndarray, purity: np.ndarray
) -> Results:
    truth = Truth(made.labels, tuple(f"class {label:03d}" for label in range(made.labels.max() + 1)))
    scan, self_label = (
        step_result(_probabilities(model, made.features), truth, selection_loss=None) for model in models
    )
    return Results(truth, scan, self_label, score_baselines({"kmeans": found}, truth), purity)


@torch.no_grad()
def _probabilities(model: ClusteringModel, features: CachedFeatures) -> np.ndarray:
    return torch.cat([model.heads(chunk)[0].softmax(-1) for chunk in features.plain()]).cpu().numpy()


if __name__ == "__main__":
    typer.run(main)
