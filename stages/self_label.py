"""Stage self-label: train the clustering on its own confident images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from jaxtyping import Int64
from torch import Tensor

from scan_core.artifacts.details import write_details, write_empty_curve
from scan_core.artifacts.index import read_index
from scan_core.artifacts.neighbors import read_neighbors
from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.make_learner import make_learner
from scan_core.clustering.model import FROZEN, ClusteringModel, read_clustering, write_clustering
from scan_core.clustering.pairs import neighbor_rows
from scan_core.clustering.self_label import SelfLabelTraining, why_over
from scan_core.clustering.stored_features import StoredFeatures
from scan_core.console.progress import say, tell, warn
from scan_core.console.words import counted
from scan_core.encoders.build import check_images
from scan_core.images.images import Images
from scan_core.images.open_images import open_images
from scan_core.parallel.distributed import processes, rank
from scan_core.training.loop import EpochError, train
from scan_core.training.precision import say_if_float32
from scan_core.training.resume import History
from scan_core.training.state import State
from stages.advice import first_epoch_warnings, self_label_refused
from stages.cli import run
from stages.devices import compiles
from stages.fitting import with_fitting_batch
from stages.model_run import further_run
from stages.opening import Opening, on
from stages.params import Params, SelfLabelParams
from stages.params_file import load_params
from stages.paths import (
    ENCODER,
    IMAGES,
    INDEX,
    NEIGHBORS,
    PARAMS,
    REJECTED_MODEL,
    REPORTS,
    SCAN_MODEL,
    SELF_LABEL_MODEL,
    STANDARDIZATION,
)
from stages.processes import run_alone, run_on_devices
from stages.resume import resume
from stages.stored import read_stored

REPORT = REPORTS / "self_label"


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Refine the clustering by training on its confident images (SCAN, section 2.3).

    Reads data/artifacts/images, data/artifacts/index.parquet, data/artifacts/neighbors.parquet,
    data/artifacts/scan/model.safetensors, data/artifacts/pretext/encoder.safetensors where that model is without its
    encoder and, with self_label.views: 0, data/artifacts/features.npy; writes
    data/artifacts/self_label/model.safetensors (without the encoder where it has not learned here either) and
    reports/self_label. With self_label.epochs: 0 the SCAN model passes through.
    """
    config = load_params(params)
    if not config.self_label.epochs:
        run_alone(_pass_through, config)
    elif config.self_label.train_encoder:
        run_on_devices(_refine, config, params, self_label=config.self_label.batch_size)
    else:
        run_alone(_refine, config)


def _pass_through(config: Params, device: torch.device) -> None:
    model, metadata = read_clustering(SCAN_MODEL, encoder=ENCODER)
    REJECTED_MODEL.unlink(missing_ok=True)
    write_clustering(SELF_LABEL_MODEL, model.state_dict(), metadata)
    write_empty_curve(REPORT, "confident")
    write_details(REPORT, {"epochs": 0, "epochs_trained": 0})
    tell("self-label: switched off (self_label.epochs: 0); the SCAN step's model is the result")


def _refine(config: Params, device: torch.device) -> None:
    images = open_images(IMAGES, device, workers=config.runtime.threads)
    train_ids = read_index(INDEX, rows=len(images)).train_ids
    asked = config.self_label
    config = with_fitting_batch(config, "self_label", images=len(train_ids), devices=processes())
    step = config.self_label
    say_if_float32(step.precision, device)
    rows = neighbor_rows(read_neighbors(NEIGHBORS, train_ids=train_ids))
    model, metadata = read_clustering(SCAN_MODEL, encoder=ENCODER)
    check_images(SCAN_MODEL, metadata, channels=images.channels, size=images.size)
    ids = torch.from_numpy(train_ids)
    stored = None
    if not step.views and model.standardization is not None:
        features, _ = read_stored(images=len(images))
        stored = StoredFeatures(features, model.standardization)
    inputs = [INDEX, NEIGHBORS, SCAN_MODEL, *([STANDARDIZATION] if stored else [])]
    with resume("self_label", params=[config.seed, step], inputs=inputs, device=device) as state:
        training = self_label_training(
            config, model, metadata, images, ids, rows, features=state.path("features.f16"), stored=stored
        )
        work = f"{counted(len(train_ids), 'image')}, those with a probability above {step.threshold} teach the others"
        where = on(device, step.precision if step.views else None)
        opening = Opening("self-label", f"{work} in up to {counted(step.epochs, 'epoch')}, {where}")
        failure = None
        try:
            history = train(
                training,
                report=REPORT,
                epochs=step.epochs,
                resume=state,
                settings="section self_label of params.yaml",
                shown=("loss", "confident", "clusters_taught", "agreement", "entropy"),
                stop=lambda history: why_over(history, patience=step.patience) is not None,
            )
        except EpochError as error:
            history, failure = error.history, error.reason
        if rank():
            return
        weights, epoch, confident = training.best()
        refused = None if epoch else {"failure": failure} if failure else _refusal(training, history, step)
        metadata["run"] = further_run(metadata.get("run"), self_label=asked)
        metadata["self_label"] = {"epochs": epoch, "refused": refused}
        _write(weights or training.weights(), metadata, step, failed=failure is not None)
        warnings = _first_epoch(training, history, step) if history else []
        if refused:
            warnings.append(self_label_refused(**refused))
        elif failure:
            warnings.append(f"{failure}; epoch {epoch} is taken")
        _say(warnings, history, step)
        details: dict[str, float | int | str | None] = {
            "epochs": epoch,
            "epochs_trained": len(history),
            "warning": "; ".join(warnings) or None,
        }
        details |= {"images": training.images, "batch_size": step.batch_size, "images_per_epoch": _seen(training, step)}
        before = training.scan
        details |= {
            "agreement_before": before.agreement,
            "entropy_before": before.entropy,
            "confident_share_before": before.confident,
        }
        if history:
            counts: dict[str, float] = {
                f"confident_cluster_{cluster}": int(count) for cluster, count in enumerate(confident)
            }
            details |= {**history[epoch - 1], **counts}  # of the epoch that is kept, or else the last one
        write_details(REPORT, details)
        taught = f"the model is that of epoch {epoch}, taught by {counted(int(sum(confident)), 'image')}"
        opening.close(taught if epoch else "the SCAN step's model stays the result", whole=not state.resumed)
        state.clear()


def _refusal(training: SelfLabelTraining, history: History, step: SelfLabelParams) -> dict[str, Any]:
    """Return why no epoch is kept, as :func:`stages.advice.self_label_refused` takes it."""
    last = history[-1]
    return {
        "trained": len(history),
        "confident": int(last["confident"]),
        "used": _used(training),
        "taught": int(last["clusters_taught"]),
        "lost": int(last["clusters_lost"]),
        "agreement": [training.scan.agreement, last["agreement"]],
        "entropy": [training.scan.entropy, last["entropy"]],
        "threshold": step.threshold,
    }


def _write(weights: State, metadata: dict[str, Any], step: SelfLabelParams, *, failed: bool) -> None:
    """Write ``weights`` as the model or, if no epoch is kept, the SCAN step's model and ``weights`` beside it."""
    refined = {key: value for key, value in metadata.items() if key != "selection_loss"}  # which is of the SCAN model
    if step.views:  # otherwise embed's
        refined["precision"] = step.precision
    if step.train_encoder:
        refined.pop(FROZEN, None)
    REJECTED_MODEL.unlink(missing_ok=True)
    if metadata["self_label"]["epochs"]:
        write_clustering(SELF_LABEL_MODEL, weights, refined)
        return
    scan, _ = read_clustering(SCAN_MODEL, encoder=ENCODER)
    write_clustering(SELF_LABEL_MODEL, scan.state_dict(), metadata)
    if not failed and metadata["self_label"]["refused"]["confident"]:
        write_clustering(REJECTED_MODEL, weights, refined)


def _seen(training: SelfLabelTraining, step: SelfLabelParams) -> int:
    """Return the number of images of an epoch: as many as fill its batches."""
    return training.images // step.batch_size * step.batch_size


def _used(training: SelfLabelTraining) -> int:
    """Return the number of clusters that hold an image of the sample after the SCAN step."""
    return int((training.scan.sizes > 0).sum())


def _first_epoch(training: SelfLabelTraining, history: History, step: SelfLabelParams) -> list[str]:
    """Return warnings about the images that the first epoch learned from, if there were any."""
    confident, taught = (int(history[0][name]) for name in ("confident", "clusters_taught"))
    if not confident:
        return []
    images, clusters = _seen(training, step), _used(training)
    return first_epoch_warnings(
        confident=confident, images=images, taught=taught, clusters=clusters, threshold=step.threshold
    )


def _say(warnings: Sequence[str], history: History, step: SelfLabelParams) -> None:
    if len(history) < step.epochs and (reason := why_over(history, patience=step.patience)):
        say(f"self-label: ends after {len(history)} of {step.epochs} epochs: {reason}")
    for message in warnings:
        warn(message)


def self_label_training(
    config: Params,
    model: ClusteringModel,
    metadata: Mapping[str, Any],
    images: Images,
    train_ids: Int64[Tensor, " images"],
    neighbor_rows: Int64[Tensor, "images neighbors"],
    *,
    features: Path,
    stored: StoredFeatures | None,
) -> SelfLabelTraining:
    """Return this stage's training, on the images' device; ``features`` is the file for a frozen encoder's views.

    Args:
        metadata: of the model's file.
        stored: the features that the head learns from without views.
    """
    step, seed = config.self_label, config.seed + config.self_label.seed
    generator = torch.Generator().manual_seed(seed)
    learner = make_learner(
        model.to(images.device),
        images,
        train_ids,
        Augmentation(step.augmentation.operations(), mean=metadata["mean"], std=metadata["std"]),
        train_encoder=step.train_encoder,
        views=step.views,
        precision=step.precision,
        generator=generator,
        features=features,
        stored=stored,
        compile=compiles(config.runtime, images.device, images=len(train_ids), training=step),
    )
    return SelfLabelTraining(
        learner,
        neighbor_rows,
        threshold=step.threshold,
        class_balance=step.class_balance,
        batch_size=step.batch_size,
        optimizer=step.optimizer,
        learning_rate=step.learning_rate,
        momentum=step.momentum,
        ema_decay=step.ema_decay,
        weight_decay=step.weight_decay,
        generator=generator,
    )


if __name__ == "__main__":
    run(main)
