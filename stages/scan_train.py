"""Stage scan-train: cluster the images so that neighbors agree."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from jaxtyping import Int64
from torch import Tensor

from scan_core.artifacts.details import write_details
from scan_core.artifacts.index import read_index
from scan_core.artifacts.model import checksum
from scan_core.artifacts.neighbors import read_neighbors
from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.kmeans_init import start_from_kmeans
from scan_core.clustering.make_learner import make_learner
from scan_core.clustering.model import FROZEN, ClusteringModel, write_clustering
from scan_core.clustering.objectives import OBJECTIVES
from scan_core.clustering.pairs import neighbor_rows
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.stored_features import StoredFeatures
from scan_core.console.progress import warn
from scan_core.console.words import counted
from scan_core.encoders.build import check_images
from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import read_pretext
from scan_core.errors import TrainingError
from scan_core.images.images import Images
from scan_core.images.open_images import open_images
from scan_core.parallel.distributed import processes, rank
from scan_core.training.chance import Usage, last_epoch, undecided
from scan_core.training.loop import train
from scan_core.training.precision import say_if_float32
from scan_core.training.resume import History
from stages.advice import collapse_warning, scan_at_chance
from stages.cli import run
from stages.devices import compiles
from stages.fitting import cluster_count, with_cluster_count, with_fitting_batch
from stages.model_run import further_run
from stages.opening import Opening, in_pixels, on
from stages.params import Params, ScanParams
from stages.params_file import load_params
from stages.paths import ENCODER, IMAGES, INDEX, NEIGHBORS, PARAMS, REPORTS, SCAN_MODEL, STANDARDIZATION
from stages.processes import run_alone, run_on_devices
from stages.resume import resume
from stages.stored import read_stored

REPORT = REPORTS / "scan_train"


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Train the clustering so that an image and its neighbors agree (SCAN, section 2.2, Eq. 2).

    Reads data/artifacts/images, data/artifacts/index.parquet, data/artifacts/neighbors.parquet,
    data/artifacts/pretext/encoder.safetensors and, with scan.views: 0 or scan.init: kmeans, data/artifacts/features.npy
    and data/artifacts/standardization.safetensors; writes data/artifacts/scan/model.safetensors (the epoch and head
    with the lowest loss on the images as they are; without the encoder where that does not learn) and
    reports/scan_train.
    """
    config = load_params(params)
    if config.scan.train_encoder:
        run_on_devices(_train, config, params, scan=config.scan.batch_size)
    else:
        run_alone(_train, config)


def _train(config: Params, device: torch.device) -> None:
    asked, count = config.scan, cluster_count(config.scan.clusters)
    config = with_cluster_count(config, count.clusters)
    scan = config.scan
    say_if_float32(scan.precision, device)
    images = open_images(IMAGES, device, workers=config.runtime.threads)
    train_ids = read_index(INDEX, rows=len(images)).train_ids
    if len(train_ids) < scan.cluster_count:
        few = counted(len(train_ids), "training image")
        raise TrainingError(f"{few} for {count.clusters} clusters; lower scan.clusters")
    neighbors = read_neighbors(NEIGHBORS, train_ids=train_ids)
    pretext, metadata = read_pretext(ENCODER)
    check_images(ENCODER, metadata, channels=images.channels, size=images.size)

    ids, rows = torch.from_numpy(train_ids), neighbor_rows(neighbors)
    stored = StoredFeatures(*read_stored(images=len(images))) if not scan.views or scan.init == "kmeans" else None
    inputs = [INDEX, NEIGHBORS, ENCODER, *([STANDARDIZATION] if stored else [])]
    with resume("scan_train", params=[config.seed, scan], inputs=inputs, device=device) as state:
        fitting = with_fitting_batch(config, "scan", images=len(train_ids), devices=processes())
        training = scan_training(
            fitting, pretext.encoder, metadata, images, ids, rows, features=state.path("features.f16"), stored=stored
        )
        opening = Opening("scan-train", f"{_work(scan, images, len(train_ids))}, {on(device, _precision(scan))}")
        history = train(
            training,
            report=REPORT,
            epochs=scan.epochs,
            resume=state,
            settings="section scan of params.yaml",
            shown=("loss", "selection_loss"),
            chance=lambda history: _at_chance(history, scan),
        )
        if rank():
            return
        weights, loss = training.best()
        best = min(range(len(history)), key=lambda epoch: history[epoch]["selection_loss"])
        until = _at_chance_until(history, scan)
        kept = history[best]
        usage = Usage(
            clusters_used=int(kept["clusters_used"]),
            largest_cluster=kept["largest_cluster"],
            entropy=kept["selection_entropy"],
            information=kept["selection_information"],
        )
        described = {
            **metadata,
            "clusters": count.clusters,
            "suggested_from": count.suggested_from,
            "selection_loss": loss,
            **({"precision": scan.precision} if scan.views else {}),  # of embed otherwise
            **({} if scan.train_encoder else {FROZEN: checksum(ENCODER)}),
            "run": further_run(metadata.get("run"), scan=asked),
            "scan": {"epochs": scan.epochs, "at_chance_until": until, **usage._asdict()},
        }
        write_clustering(SCAN_MODEL, weights, described)
        collapse = collapse_warning(
            used=usage.clusters_used,
            clusters=scan.cluster_count,
            largest=usage.largest_cluster,
            entropy=usage.entropy,
            prior=scan.prior,
        )
        counts = {"epochs": len(history), "batch_size": fitting.scan.batch_size, "best_epoch": best + 1}
        details = {**counts, **kept}
        chance = _at_chance(history, scan)  # said after a tenth of the epochs
        write_details(REPORT, details | {"at_chance_until": until, "warning": chance or collapse})
        if collapse and not chance:
            warn(collapse)
        used = f"{usage.clusters_used} of {counted(scan.cluster_count, 'cluster')} hold images"
        opening.close(
            f"epoch {best + 1} has the lowest loss, {loss:.3f} (negative is usual), and is kept: {used}, the largest "
            f"{usage.largest_cluster:.0%} of them",
            whole=not state.resumed,
        )
        state.clear()


def _work(scan: ScanParams, images: Images, count: int) -> str:
    """Say in words what the training does."""
    learner = "the encoder and " if scan.train_encoder else ""
    of = f"of {in_pixels(images)}" if scan.views else "by their features"
    sorts = f"{learner}{counted(scan.heads, 'head')} sort {counted(count, 'image')} {of}"
    return f"{sorts} into {counted(scan.cluster_count, 'cluster')} in {counted(scan.epochs, 'epoch')}"


def _precision(scan: ScanParams) -> str | None:
    return scan.precision if scan.views else None


def _at_chance(history: History, scan: ScanParams) -> str | None:
    return scan_at_chance(until=_at_chance_until(history, scan), done=len(history), epochs=scan.epochs)


def _at_chance_until(history: History, scan: ScanParams) -> int:
    """Return the last epoch whose predictions were undecided."""
    return last_epoch(
        undecided(
            metrics["selection_information"],
            metrics["selection_entropy"],
            clusters=scan.cluster_count,
            prior=scan.prior,
        )
        for metrics in history
    )


def scan_training(
    config: Params,
    encoder: Encoder,
    metadata: Mapping[str, Any],
    images: Images,
    train_ids: Int64[Tensor, " images"],
    neighbor_rows: Int64[Tensor, "images neighbors"],
    *,
    features: Path,
    stored: StoredFeatures | None,
) -> ScanTraining:
    """Return this stage's training, on the images' device; ``features`` is the file for a frozen encoder's views.

    Args:
        metadata: of the encoder's file.
        stored: the features that heads learn from without views, and that k-means clusters; None if neither is needed.
    """
    scan, seed = config.scan, config.seed + config.scan.seed
    torch.manual_seed(seed)
    standardization = stored.standardization if stored and not scan.views else None
    model = ClusteringModel(encoder, clusters=scan.cluster_count, heads=scan.heads, standardization=standardization)
    if stored and scan.init == "kmeans":
        folded = stored.standardization if scan.views else None
        start_from_kmeans(model.heads, stored.of(train_ids), seed=seed, standardization=folded, prior=scan.prior)
    model = model.to(images.device)
    generator = torch.Generator().manual_seed(seed)
    learner = make_learner(
        model,
        images,
        train_ids,
        Augmentation(scan.augmentation.operations(), mean=metadata["mean"], std=metadata["std"]),
        train_encoder=scan.train_encoder,
        views=scan.views,
        precision=scan.precision,
        generator=generator,
        features=features,
        stored=None if scan.views else stored,
        compile=compiles(config.runtime, images.device, images=len(train_ids), training=scan),
    )
    return ScanTraining(
        learner,
        neighbor_rows,
        objective=OBJECTIVES[scan.objective](
            entropy_weight=scan.entropy_weight, prior=scan.prior, device=images.device
        ),
        batch_size=scan.batch_size,
        optimizer=scan.optimizer,
        learning_rate=scan.learning_rate,
        momentum=scan.momentum,
        merges=scan.merge_heads,
        weight_decay=scan.weight_decay,
        generator=generator,
    )


if __name__ == "__main__":
    run(main)
