"""Stage preview: draw augmented images, to look at before training."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from jaxtyping import UInt8
from torch import Tensor

from scan_core.artifacts.index import Normalization, read_normalization
from scan_core.augment.pipeline import Augmentation
from scan_core.console.words import counted
from scan_core.images.contact_sheet import write_contact_sheet
from scan_core.images.stored import first_images
from stages.augmentation_params import AugmentationParams
from stages.cli import run
from stages.opening import Opening
from stages.params import NO_TASK, Params
from stages.params_file import load_params
from stages.paths import IMAGES, INDEX, PARAMS, REPORTS

SHEET = REPORTS / "preview" / "augmented.png"
ROWS = 10
VIEWS = 4


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Show some images as they are and after the augmentations of the trainings that see any, several times each.

    Reads data/artifacts/images and data/artifacts/index.parquet; writes reports/preview/augmented.png. No other stage
    reads it.
    """
    config = load_params(params)
    images = torch.from_numpy(first_images(IMAGES, ROWS))
    normalization = read_normalization(INDEX, channels=images.shape[1])
    augmentations = used(config)
    seen = "as they are and as the trainings see them" if augmentations else "which no training changes"
    opening = Opening("preview", f"{counted(len(images), 'image')}, {seen}")
    columns, headings = [images], {0: "image"}
    for section, augmentation in augmentations.items():
        headings[len(columns)] = f"{section}.augmentation"
        columns += [_view(images, augmentation, normalization, seed=seed) for seed in range(VIEWS)]
    sheet = torch.stack(columns, dim=1).flatten(0, 1).numpy()
    write_contact_sheet(SHEET, sheet, columns=len(columns), headings=headings)
    question = f"look at {SHEET}: would you still give each of these pictures the same name?"
    opening.close(question if augmentations else f"nothing to check; {SHEET} shows them")


def used(config: Params) -> dict[str, AugmentationParams]:
    """Return the augmentations of the trainings, without those that learn from features of the images alone."""
    trainings = {
        "pretext": config.pretext.task != NO_TASK,
        "scan": config.scan.views > 0,
        "self_label": config.self_label.epochs > 0 and config.self_label.views > 0,
    }
    return {section: getattr(config, section).augmentation for section, trains in trainings.items() if trains}


def _view(
    images: UInt8[Tensor, "images channels size size"],
    augmentation: AugmentationParams,
    normalization: Normalization,
    *,
    seed: int,
) -> UInt8[Tensor, "images channels size size"]:
    mean, std = normalization
    views = Augmentation(augmentation.operations(), mean=mean, std=std)(images, torch.Generator().manual_seed(seed))
    levels = views * torch.tensor(std)[:, None, None] + torch.tensor(mean)[:, None, None]
    return (levels * 255).round().clamp(0, 255).to(torch.uint8)


if __name__ == "__main__":
    run(main)
