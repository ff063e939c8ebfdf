"""A picture of what the augmentations of params.yaml do to the images: ``python -m stages.preview``."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from jaxtyping import UInt8
from torch import Tensor

from scan_core.artifacts.index import read_normalization
from scan_core.augment.pipeline import Augmentation
from scan_core.console.progress import tell
from scan_core.images.contact_sheet import write_contact_sheet
from scan_core.images.stored import first_images
from stages.augmentation_params import AugmentationParams
from stages.cli import run
from stages.params import Params
from stages.params_file import load_params
from stages.paths import IMAGES, INDEX, PARAMS, REPORTS

ROWS = 10
VIEWS = 4


def main(
    output: Annotated[Path, typer.Option(help="The picture to write.")] = REPORTS / "preview.png",
    params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS,
) -> None:
    """Show some images as they are and after the augmentations of the three trainings, several times each.

    Reads data/artifacts/images and data/artifacts/index.parquet. Fetch draws the same picture to
    reports/fetch/augmented.png.
    """
    config = load_params(params)
    write_preview(output, torch.from_numpy(first_images(IMAGES, ROWS)), config)
    tell(str(output))


def write_preview(path: Path, images: UInt8[Tensor, "images channels size size"], config: Params) -> None:
    """Write a PNG: in each row an image, and what the augmentations of each training make of it."""
    columns, headings = [images], {0: "image"}
    for section in ("pretext", "scan", "self_label"):
        headings[len(columns)] = f"{section}.augmentation"
        augmentation = getattr(config, section).augmentation
        columns += [_view(images, augmentation, seed=seed) for seed in range(VIEWS)]
    sheet = torch.stack(columns, dim=1).flatten(0, 1).numpy()
    write_contact_sheet(path, sheet, columns=len(columns), headings=headings)


def _view(images: torch.Tensor, augmentation: AugmentationParams, *, seed: int) -> torch.Tensor:
    mean, std = read_normalization(INDEX, channels=images.shape[1])
    views = Augmentation(augmentation.operations(), mean=mean, std=std)(images, torch.Generator().manual_seed(seed))
    levels = views * torch.tensor(std)[:, None, None] + torch.tensor(mean)[:, None, None]
    return (levels * 255).round().clamp(0, 255).to(torch.uint8)


if __name__ == "__main__":
    run(main)
