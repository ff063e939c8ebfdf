"""Stage pretext-train: learn an embedding of the images by a self-supervised task."""

from pathlib import Path
from typing import Annotated

import torch
import typer

from scan_core.artifacts.details import write_details
from scan_core.artifacts.index import read_index, read_normalization, read_preparation
from scan_core.augment.pipeline import Augmentation
from scan_core.console.advice import pretext_at_chance
from scan_core.encoders.resnet import ResNet
from scan_core.images.open_images import open_images
from scan_core.parallel.distributed import rank
from scan_core.pretext.encoder import PretextModel, write_pretext
from scan_core.pretext.nt_xent import chance_loss
from scan_core.pretext.simclr import SimclrTraining
from scan_core.training.chance import last_at_chance
from scan_core.training.loop import train
from scan_core.training.precision import say_if_float32
from scan_core.training.resume import History
from stages.cli import run
from stages.devices import compiles
from stages.model_run import start_of_run
from stages.params import Params
from stages.params_file import load_params
from stages.paths import ENCODER, IMAGES, INDEX, PARAMS, REPORTS
from stages.processes import run_on_devices
from stages.resume import resume

REPORT = REPORTS / "pretext_train"


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Learn an embedding without labels (SCAN, section 2.1).

    Reads data/artifacts/images and data/artifacts/index.parquet; writes data/artifacts/pretext/encoder.safetensors and
    reports/pretext_train.
    """
    config = load_params(params)
    run_on_devices(_train, config, params, pretext=config.pretext.batch_size)


def _train(config: Params, device: torch.device) -> None:
    pretext, architecture = config.pretext, config.encoder
    seed = config.seed + pretext.seed
    say_if_float32(pretext.precision, device)
    images = open_images(IMAGES, device, workers=config.runtime.threads)
    train_ids = read_index(INDEX, rows=len(images)).ids_to_train_on(further_splits=pretext.train_splits)
    mean, std = read_normalization(INDEX, channels=images.channels)

    torch.manual_seed(seed)
    head = pretext.simclr.model_dump(include={"hidden_dim", "projection_dim", "batch_norm"})
    encoder = ResNet(architecture.name, width=architecture.width, stem=architecture.stem, channels=images.channels)
    model = PretextModel(encoder, **head).to(device)
    training = SimclrTraining(
        model,
        images,
        torch.from_numpy(train_ids),
        Augmentation(pretext.augmentation.operations(), mean=mean, std=std),
        temperature=pretext.simclr.temperature,
        epochs=pretext.epochs,
        batch_size=pretext.batch_size,
        learning_rate=pretext.learning_rate,
        momentum=pretext.momentum,
        weight_decay=pretext.weight_decay,
        warmup_epochs=pretext.warmup_epochs,
        final_learning_rate=pretext.final_learning_rate,
        precision=pretext.precision,
        early=Augmentation(pretext.early_operations(images.size), mean=mean, std=std),
        early_epochs=pretext.early_epochs,
        generator=torch.Generator().manual_seed(seed),
        compile=compiles(config.runtime, device, images=len(train_ids), training=pretext),
    )
    with resume("pretext_train", params=[config.seed, pretext, architecture], inputs=[INDEX], device=device) as state:
        chance = chance_loss(pretext.batch_size)

        def told(history: History) -> str | None:
            until = last_at_chance([metrics["loss"] for metrics in history], chance)
            return pretext_at_chance(until=until, epochs=pretext.epochs, chance=chance)

        history = train(
            training,
            report=REPORT,
            epochs=pretext.epochs,
            costs=pretext.epoch_costs(images.size),
            resume=state,
            shown=("loss", "contrastive_accuracy"),
            chance=told,
        )
        if rank():
            return
        until = last_at_chance([metrics["loss"] for metrics in history], chance)
        metadata = {
            "task": pretext.task,
            "architecture": architecture.name,
            "width": architecture.width,
            "stem": architecture.stem,
            "channels": images.channels,
            "image_size": images.size,
            "preparation": read_preparation(INDEX),
            "mean": mean,
            "std": std,
            "precision": pretext.precision,
            "run": start_of_run(INDEX, images=len(train_ids), seed=config.seed, encoder=architecture, pretext=pretext),
            "pretext": {"epochs": pretext.epochs, "at_chance_until": until, "chance": chance},
            **head,
        }
        write_pretext(ENCODER, model, metadata)
        at_chance = {"chance_loss": chance, "at_chance_until": until, "warning": told(history)}
        details = {"epochs": len(history), "images": len(train_ids), **history[-1], **at_chance}
        write_details(REPORT, details)
        state.clear()


if __name__ == "__main__":
    run(main)
