"""Check params.yaml before anything runs: ``python -m stages.check``."""

from pathlib import Path
from typing import Annotated

import typer

from scan_core.artifacts.model import checksum, read_model
from scan_core.console.progress import warn
from scan_core.encoders.timm_encoder import PREFIX
from scan_core.errors import ArtifactError
from stages.cli import run
from stages.new_encoder import new_encoder, weights_file
from stages.params import EncoderParams
from stages.params_file import load_params
from stages.paths import ENCODER, PARAMS


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Check every value of params.yaml, and that no picture lies where a run would remove it.

    Each stage does so, too; but DVC removes a stage's outputs before it starts the stage. That timm has a network, and
    for images of this size, else pretext-train alone would find out.
    """
    config = load_params(params)
    if message := weights_have_changed(config.encoder, ENCODER):
        warn(message)
    if config.encoder.name.startswith(PREFIX):
        new_encoder(config.encoder, channels=3, image_size=config.data.image_size)


def weights_have_changed(encoder: EncoderParams, made: Path) -> str | None:
    """Return a warning if the file of ``encoder.weights`` is no longer the one that ``made`` started from, else None.

    DVC knows its path alone, as a parameter, and so runs nothing anew.
    """
    file = weights_file(encoder)
    if file is None or not file.is_file() or not made.exists():
        return None
    try:
        metadata = read_model(made, keys=["run", "weights_sha256"])[1]
    except ArtifactError:
        return None  # which DVC makes anew
    same_name = metadata["run"]["params"]["encoder"]["weights"] == encoder.weights
    if not same_name or metadata["weights_sha256"] == checksum(file):
        return None
    return (
        f"encoder.weights: {file} has changed since pretext-train read it, which DVC does not see; run dvc repro "
        "--force --single-item pretext-train, or give the file another name"
    )


if __name__ == "__main__":
    run(main)
