"""Check params.yaml before anything runs: ``python -m stages.check``."""

from pathlib import Path
from typing import Annotated

import typer

from scan_core.encoders.timm_encoder import PREFIX
from stages.cli import run
from stages.new_encoder import new_encoder
from stages.params_file import load_params
from stages.paths import PARAMS


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Check every value of params.yaml, and that no picture lies where a run would remove it.

    Each stage does so, too; but DVC removes a stage's outputs before it starts the stage. That timm has a network, and
    for images of this size, else pretext-train alone would find out.
    """
    config = load_params(params)
    if config.encoder.name.startswith(PREFIX):
        new_encoder(config.encoder, channels=3, image_size=config.data.image_size)


if __name__ == "__main__":
    run(main)
