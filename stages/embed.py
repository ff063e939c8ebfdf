"""Stage embed: compute the features and the embedding of every image."""

import json
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import nn

from scan_core.artifacts.arrays import write_array
from scan_core.artifacts.features import write_features
from scan_core.artifacts.index import read_index
from scan_core.artifacts.model import checksum, weights_checksum
from scan_core.artifacts.standardization import write_standardization
from scan_core.console.words import counted
from scan_core.encoders.build import ENCODER_KEYS, check_images
from scan_core.encoders.feature_cache import infer_new
from scan_core.encoders.inference import infer
from scan_core.encoders.pretext_model import FeaturesAndProjection, PretextModel, read_pretext
from scan_core.encoders.standardization import fit_standardization
from scan_core.encoders.unit_vectors import normalize_features
from scan_core.errors import TrainingError
from scan_core.images.open_images import open_images
from scan_core.parallel.distributed import rank
from stages.cli import run
from stages.opening import Opening, in_pixels, on
from stages.params import Params
from stages.params_file import load_params
from stages.paths import (
    EMBEDDING_NORMS,
    EMBEDDINGS,
    ENCODER,
    FEATURES,
    IMAGES,
    INDEX,
    PARAMS,
    STANDARDIZATION,
    main_root,
)
from stages.processes import run_on_devices
from stages.resume import identity


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Embed every image, not augmented (SCAN, section 2.2).

    Reads data/artifacts/images, data/artifacts/index.parquet (for embed.center, which takes the mean of the training
    images) and data/artifacts/pretext/encoder.safetensors; writes data/artifacts/features.npy (of the encoder),
    data/artifacts/standardization.safetensors (which makes coordinates of them that heads learn in, fitted to the
    training images), data/artifacts/embeddings.npy (L2-normalized) and data/artifacts/embedding_norms.npy (the lengths
    before).
    """
    config = load_params(params)
    run_on_devices(_embed, config, params)


def _embed(config: Params, device: torch.device) -> None:
    images = open_images(IMAGES, device, workers=config.runtime.threads)
    train_ids = read_index(INDEX, rows=len(images)).train_ids
    model, metadata = read_pretext(ENCODER)
    check_images(ENCODER, metadata, channels=images.channels, size=images.size)
    width, layer = model.encoder.features, config.embed.layer
    described = {key: metadata[key] for key in (*ENCODER_KEYS, "projection")}
    asked = [layer, weights_checksum(model.state_dict()), json.dumps(described, sort_keys=True)]
    name = identity("embed", params=asked, inputs=[], device=device)  # whatever run the encoder is of
    both = network(model, layer).to(device)
    settings = {"mean": metadata["mean"], "std": metadata["std"], "precision": metadata["precision"]}
    line = f"{counted(len(images), 'image')} of {in_pixels(images)}, {on(device, metadata['precision'])}"
    opening = Opening("embed", line)
    outputs, from_cache = infer_new(
        main_root() / ".resume" / f"features-{name}.safetensors",
        images,
        lambda new, save: infer(both, images, new, **settings, whole_batches=True, description="embed", save=save),
        width=width,
    )
    embedded = outputs if layer == "backbone" else outputs[:, width:].contiguous()
    try:
        embeddings = normalize_features(embedded, center_of=train_ids if config.embed.center else None)
    except TrainingError as error:
        raise TrainingError(f"{error}; look at reports/fetch/images.png, or lower pretext.learning_rate") from error
    if rank():
        return
    features = outputs[:, :width].cpu().numpy()
    standardization = fit_standardization(features, fit_ids=train_ids)
    write_features(FEATURES, features)
    digests = {"encoder_sha256": checksum(ENCODER), "features_sha256": checksum(FEATURES)}
    write_standardization(STANDARDIZATION, standardization, **digests)
    write_array(EMBEDDINGS, embeddings.unit)
    write_array(EMBEDDING_NORMS, embeddings.norm)
    opening.close(
        f"an embedding of each image, {embeddings.unit.shape[1]:,} numbers ({EMBEDDINGS})", whole=not from_cache
    )


def network(model: PretextModel, layer: str) -> nn.Module:
    """Return the network of the encoder's features and, where ``layer`` asks for them, the projections beside them."""
    return FeaturesAndProjection(model) if layer == "projection" else model.get_submodule("encoder")


if __name__ == "__main__":
    run(main)
