"""Stage pretext-train: learn an embedding of the images by a self-supervised task."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from jaxtyping import Int64
from torch import Tensor

from scan_core.artifacts.details import write_details, write_empty_curve
from scan_core.artifacts.index import Normalization, read_index, read_normalization, read_preparation
from scan_core.augment.pipeline import Augmentation
from scan_core.console.progress import tell, warn
from scan_core.console.words import counted
from scan_core.encoders.build import encoder_metadata
from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel, write_pretext
from scan_core.encoders.start import Start
from scan_core.images.images import Images
from scan_core.images.open_images import open_images
from scan_core.parallel.distributed import processes, rank
from scan_core.pretext.small_crops import small_crops
from scan_core.pretext.tasks import TASKS
from scan_core.pretext.training import PretextTraining
from scan_core.training.chance import last_epoch
from scan_core.training.loop import train
from scan_core.training.precision import say_if_float32
from scan_core.training.resume import History
from stages.advice import pretext_at_chance
from stages.cli import run
from stages.devices import compiles
from stages.fitting import with_fitting_batch
from stages.model_run import start_of_run
from stages.new_encoder import started_encoder, weights_file
from stages.opening import Opening, in_pixels, on
from stages.params import NO_TASK, Params
from stages.params_file import load_params
from stages.paths import ENCODER, IMAGES, INDEX, PARAMS, REPORTS
from stages.processes import run_alone, run_on_devices
from stages.resume import resume

REPORT = REPORTS / "pretext_train"


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Learn an embedding without labels (SCAN, section 2.1); with pretext.task: none, take the encoder as it is.

    Reads data/artifacts/images, data/artifacts/index.parquet and what encoder.weights names; writes
    data/artifacts/pretext/encoder.safetensors and reports/pretext_train.
    """
    config = load_params(params)
    if config.pretext.task == NO_TASK:
        run_alone(_write_as_it_is, config)
    else:
        run_on_devices(_train, config, params, pretext=config.pretext.batch_size)


def _write_as_it_is(config: Params, device: torch.device) -> None:
    images = open_images(IMAGES, device, workers=config.runtime.threads)
    train_ids = read_index(INDEX, rows=len(images)).ids_to_train_on(further_splits=config.pretext.train_splits)
    encoder, start = _started_encoder(config, images)
    normalization = start.normalization or read_normalization(INDEX, channels=images.channels)
    metadata = _metadata(config, images, normalization, start, train_images=len(train_ids))
    write_pretext(ENCODER, PretextModel(encoder, projection=None), metadata)
    shutil.rmtree(REPORT, ignore_errors=True)  # curves of a training before, where DVC has not removed them
    write_empty_curve(REPORT, "loss")
    write_details(REPORT, {"epochs": 0, "images": 0, "trained_with": metadata["trained_with"]})
    learned = f"the encoder was trained with: {metadata['trained_with']}"
    tell(f"pretext-train: nothing to train (pretext.task: none); {learned}")


def _train(config: Params, device: torch.device) -> None:
    pretext = config.pretext
    say_if_float32(pretext.precision, device)
    images = open_images(IMAGES, device, workers=config.runtime.threads)
    train_ids = read_index(INDEX, rows=len(images)).ids_to_train_on(further_splits=pretext.train_splits)
    encoder, start = _started_encoder(config, images)
    normalization = start.normalization or read_normalization(INDEX, channels=images.channels)
    fitting = with_fitting_batch(config, "pretext", images=len(train_ids), devices=processes())
    training = pretext_training(fitting, encoder, images, torch.from_numpy(train_ids), normalization)
    file = weights_file(config.encoder)
    with resume(
        "pretext_train",
        params=[config.seed, pretext, config.encoder],
        inputs=[INDEX, file] if file else [INDEX],
        device=device,
    ) as state:
        work = f"{pretext.task} with {config.encoder.name} on {counted(len(train_ids), 'image')} of {in_pixels(images)}"
        line = f"{work} in {counted(pretext.epochs, 'epoch')}, {on(device, pretext.precision)}"
        opening = Opening("pretext-train", line)

        def told(history: History) -> str | None:
            until = last_epoch(training.task.at_chance(metrics) for metrics in history)
            return pretext_at_chance(until=until, done=len(history), epochs=pretext.epochs, chance=training.task.chance)

        history = train(
            training,
            report=REPORT,
            epochs=pretext.epochs,
            costs=training.costs,
            resume=state,
            settings="section pretext of params.yaml",
            shown=training.shown,
            chance=lambda history: told(history) if training.task.chance else None,
        )
        if rank():
            return
        until = last_epoch(training.task.at_chance(metrics) for metrics in history)
        metadata = _metadata(config, images, normalization, start, train_images=len(train_ids))
        metadata["pretext"] = {"epochs": pretext.epochs, "at_chance_until": until, "chance": training.task.chance}
        write_pretext(ENCODER, training.model, metadata)
        at_chance = {"chance_loss": training.task.chance, "at_chance_until": until, "warning": told(history)}
        counts = {"epochs": len(history), "images": len(train_ids), "batch_size": fitting.pretext.batch_size}
        write_details(REPORT, {**counts, **history[-1], **at_chance, "trained_with": metadata["trained_with"]})
        if training.task.chance is None and (message := told(history)):  # of which nothing was said before the end
            warn(f"pretext-train: {message}")
        chance = f" nats, by chance {training.task.chance:.3f}" if training.task.chance else ""
        opening.close(
            f"after {counted(len(history), 'epoch')} the loss of {pretext.task} is {history[-1]['loss']:.3f}{chance}; "
            "dvc plots show has its curve",
            whole=not state.resumed,
        )
        state.clear()


def _started_encoder(config: Params, images: Images) -> tuple[Encoder, Start]:
    torch.manual_seed(config.seed + config.pretext.seed)
    return started_encoder(config.encoder, channels=images.channels, image_size=images.size)


def _metadata(
    config: Params, images: Images, normalization: Normalization, start: Start, *, train_images: int
) -> dict[str, Any]:
    """Return the metadata of the encoder's file."""
    encoder, pretext = config.encoder, config.pretext
    run = start_of_run(INDEX, images=train_images, seed=config.seed, encoder=encoder, pretext=pretext)
    return {
        "task": pretext.task,
        **encoder_metadata(encoder.name, encoder.arguments(), channels=images.channels, image_size=images.size),
        "preparation": read_preparation(INDEX),
        **normalization._asdict(),
        "precision": pretext.precision,
        "trained_with": trained_with(start, task=pretext.task, images=train_images, dataset=run["dataset"]),
        "weights_sha256": start.sha256,
        "run": run,
    }


def trained_with(start: Start, *, task: str, images: int, dataset: str) -> str:
    """Say in words what has taught the encoder after ``task`` on so many ``images``."""
    if task == NO_TASK:
        return start.trained_with
    own = f"{task} on {images:,} images of {dataset}"
    return f"{start.trained_with}, then {own}" if start.sha256 or start.normalization else own


def pretext_training(
    config: Params,
    encoder: Encoder,
    images: Images,
    train_ids: Int64[Tensor, " images"],
    normalization: Normalization,
) -> PretextTraining:
    """Return this stage's training of ``encoder`` and what the task adds to it, on the images' device."""
    pretext, seed = config.pretext, config.seed + config.pretext.seed
    operations = pretext.augmentation.operations()
    small = None
    if pretext.small_crops:
        size = {"image_size": images.size, "epochs": pretext.epochs, **normalization._asdict()}
        small = small_crops(operations, **pretext.small_crops.model_dump(), **size)
    sizes = 2 if small and 0 < small.epochs < pretext.epochs else 1
    task = TASKS[pretext.task](encoder, images=len(train_ids), batch_size=pretext.batch_size, **pretext.task_settings())
    return PretextTraining(
        task,
        images,
        train_ids,
        Augmentation(operations, **normalization._asdict()),
        small_crops=small,
        epochs=pretext.epochs,
        batch_size=pretext.batch_size,
        learning_rate=pretext.learning_rate,
        momentum=pretext.momentum,
        weight_decay=pretext.weight_decay,
        warmup_epochs=pretext.warmup_epochs,
        final_learning_rate=pretext.final_learning_rate,
        precision=pretext.precision,
        generator=torch.Generator().manual_seed(seed),
        compile=compiles(config.runtime, images.device, images=len(train_ids), training=pretext, sizes=sizes),
    )


if __name__ == "__main__":
    run(main)
