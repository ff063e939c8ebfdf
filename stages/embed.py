"""Stage embed: the embedding of every image."""

from pathlib import Path
from typing import Annotated

import torch
import typer

from scan_core.artifacts.embeddings import write_embedding_norms, write_embeddings
from scan_core.artifacts.index import read_index
from scan_core.encoders.build import check_images
from scan_core.encoders.inference import infer
from scan_core.encoders.pretext_model import read_pretext
from scan_core.encoders.unit_vectors import normalize_features
from scan_core.images.open_images import open_images
from scan_core.parallel.distributed import rank
from stages.cli import run
from stages.params import Params
from stages.params_file import load_params
from stages.paths import EMBEDDING_NORMS, EMBEDDINGS, ENCODER, IMAGES, INDEX, PARAMS
from stages.processes import run_on_devices


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Embed every image, not augmented (SCAN, section 2.2).

    Reads data/artifacts/images, data/artifacts/index.parquet (for embed.center, which takes the mean of the training
    images) and data/artifacts/pretext/encoder.safetensors; writes data/artifacts/embeddings.npy (L2-normalized) and
    data/artifacts/embedding_norms.npy (the lengths before).
    """
    config = load_params(params)
    run_on_devices(_embed, config, params)


def _embed(config: Params, device: torch.device) -> None:
    images = open_images(IMAGES, device, workers=config.runtime.threads)
    train_ids = read_index(INDEX, rows=len(images)).train_ids
    model, metadata = read_pretext(ENCODER)
    check_images(ENCODER, metadata, channels=images.channels, size=images.size)
    features = infer(
        model.to(device).get_submodule({"projection": "", "backbone": "encoder"}[config.embed.layer]),
        images,
        torch.arange(len(images)),
        mean=metadata["mean"],
        std=metadata["std"],
        precision=metadata["precision"],
        description="embed",
    )
    embeddings = normalize_features(features, center_of=train_ids if config.embed.center else None)
    if rank():
        return
    write_embeddings(EMBEDDINGS, embeddings.unit)
    write_embedding_norms(EMBEDDING_NORMS, embeddings.norm)


if __name__ == "__main__":
    run(main)
