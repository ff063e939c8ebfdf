"""Stage self-label: the clustering learns from its own confident images."""

from pathlib import Path
from typing import Annotated

import torch
import typer

from scan_core.artifacts.index import read_index
from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.collapse import check_taught, few_confident_warning, untaught_warning
from scan_core.clustering.learner import Learner
from scan_core.clustering.model import read_clustering, write_clustering
from scan_core.clustering.self_label import SelfLabelTraining, plateaued
from scan_core.data.batches import steps_per_epoch
from scan_core.data.open_images import open_images
from scan_core.encoders.build import check_images
from scan_core.runtime.distributed import rank
from scan_core.runtime.precision import say_if_float32
from scan_core.runtime.progress import say, warn
from stages.cli import run
from stages.clustering import make_learner
from stages.devices import compiles
from stages.params import Params, SelfLabelParams
from stages.params_file import load_params
from stages.paths import IMAGES, INDEX, PARAMS, SCAN_MODEL, SELF_LABEL_MODEL
from stages.processes import run_alone, run_on_devices
from stages.resume import resume
from stages.training import train, write_details


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Refine the clustering by training on its confident images (SCAN, section 2.3).

    Reads data/artifacts/images, data/artifacts/index.parquet and data/artifacts/scan/model.safetensors; writes
    data/artifacts/self_label/model.safetensors and reports/self_label. With self_label.epochs: 0 the SCAN model passes
    through.
    """
    config = load_params(params)
    if not config.self_label.epochs:
        run_alone(_pass_through, config)
    elif config.self_label.train_encoder:
        run_on_devices(_refine, config, params, self_label=config.self_label.batch_size)
    else:
        run_alone(_refine, config)


def _pass_through(config: Params, device: torch.device) -> None:
    model, metadata = read_clustering(SCAN_MODEL)
    write_clustering(SELF_LABEL_MODEL, model.state_dict(), metadata)
    write_details("self_label", {"epochs": 0})


def _refine(config: Params, device: torch.device) -> None:
    step = config.self_label
    seed = config.seed + step.seed
    say_if_float32(step.precision, device)
    images = open_images(IMAGES, device, **config.runtime.decoding())
    train_ids = read_index(INDEX, rows=len(images)).train_ids
    model, metadata = read_clustering(SCAN_MODEL)
    check_images(SCAN_MODEL, metadata, channels=images.channels, size=images.size)
    model = model.to(device)
    augmentation = Augmentation(step.augmentation.operations(), mean=metadata["mean"], std=metadata["std"])
    generator = torch.Generator().manual_seed(seed)
    ids = torch.from_numpy(train_ids)
    inputs = [INDEX, SCAN_MODEL]
    with resume(
        "self_label", params=[config.seed, step, config.runtime.decode_on_gpu], inputs=inputs, device=device
    ) as state:
        learner = make_learner(
            step,
            model,
            images,
            ids,
            augmentation,
            generator=generator,
            features=state.path("features.f16"),
            compile=compiles(config.runtime, device, images=len(ids), training=step),
        )
        training = self_label_training(step, learner, generator)
        history = train(
            training,
            stage="self_label",
            epochs=step.epochs,
            resume=state,
            shown=("loss", "confident", "clusters_taught"),
            check=lambda metrics: check_taught(
                int(metrics["clusters_taught"]), clusters=metadata["clusters"], threshold=step.threshold
            ),
            stop=lambda history: plateaued([metrics["confident"] for metrics in history], patience=step.patience),
        )
        if len(history) < step.epochs:
            say(
                f"self_label: ends after {len(history)} of {step.epochs} epochs: the last {step.patience} brought no "
                "more confident images (self_label.patience)"
            )
        if rank():
            return
        confident = training.confident.long().tolist()
        counts = {f"confident_cluster_{cluster}": count for cluster, count in enumerate(confident)}
        del metadata["selection_loss"]  # of the SCAN model
        write_clustering(SELF_LABEL_MODEL, training.weights(), {**metadata, "precision": step.precision})
        seen = steps_per_epoch(len(train_ids), step.batch_size) * step.batch_size
        sizes = {"images": len(train_ids), "images_per_epoch": seen}
        write_details("self_label", {"epochs": len(history), **sizes, **history[-1], **counts})
        first = int(history[0]["confident"])
        if message := few_confident_warning(confident=first, images=seen, threshold=step.threshold):
            warn(message)
        taught = int(history[0]["clusters_taught"])
        if message := untaught_warning(taught=taught, clusters=len(counts), threshold=step.threshold):
            warn(message)
        state.clear()


def self_label_training(step: SelfLabelParams, learner: Learner, generator: torch.Generator) -> SelfLabelTraining:
    """The training of self-label."""
    return SelfLabelTraining(
        learner,
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
