"""Stage preview: what augmentation makes of the images, to look at before training."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from jaxtyping import UInt8
from torch import Tensor

from scan_core.artifacts.index import Normalization, read_normalization
from scan_core.augment.pipeline import Augmentation
from scan_core.console.progress import tell
from scan_core.images.contact_sheet import write_contact_sheet
from scan_core.images.stored import first_images
from stages.augmentation_params import AugmentationParams
from stages.cli import run
from stages.params_file import load_params
from stages.paths import IMAGES, INDEX, PARAMS, REPORTS

SHEET = REPORTS / "preview" / "augmented.png"
ROWS = 10
VIEWS = 4


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Show some images as they are and after the augmentations of the three trainings, several times each.

    Reads data/artifacts/images and data/artifacts/index.parquet; writes reports/preview/augmented.png. No other stage
    reads it.
    """
    config = load_params(params)
    images = torch.from_numpy(first_images(IMAGES, ROWS))
    normalization = read_normalization(INDEX, channels=images.shape[1])
    columns, headings = [images], {0: "image"}
    for section, augmentation in (
        ("pretext", config.pretext.augmentation),
        ("scan", config.scan.augmentation),
        ("self_label", config.self_label.augmentation),
    ):
        headings[len(columns)] = f"{section}.augmentation"
        columns += [_view(images, augmentation, normalization, seed=seed) for seed in range(VIEWS)]
    sheet = torch.stack(columns, dim=1).flatten(0, 1).numpy()
    write_contact_sheet(SHEET, sheet, columns=len(columns), headings=headings)
    tell(str(SHEET))


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
