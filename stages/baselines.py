"""Stage baselines: cluster the images without SCAN, to compare with."""

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from jaxtyping import Float32, Int64

from scan_core.artifacts.clusters import write_baselines
from scan_core.artifacts.embeddings import read_embedding_norms, read_embeddings
from scan_core.artifacts.index import read_index, read_normalization
from scan_core.augment.pipeline import Augmentation
from scan_core.baselines.kmeans import kmeans
from scan_core.baselines.learned import LEARNED
from scan_core.baselines.learner import Pictures
from scan_core.baselines.names import KMEANS, METHODS, SPECTRAL
from scan_core.baselines.pixel_features import pixel_features
from scan_core.baselines.spectral import spectral
from scan_core.console.progress import tell, track
from scan_core.console.words import counted, duration
from scan_core.errors import DataError, TrainingError
from scan_core.images.open_images import open_images
from stages.cli import run
from stages.devices import choose_device, prepare
from stages.fitting import cluster_count
from stages.new_encoder import started_encoder
from stages.opening import Opening
from stages.params import Params
from stages.params_file import load_params
from stages.paths import BASELINES, EMBEDDING_NORMS, EMBEDDINGS, IMAGES, INDEX, PARAMS
from stages.stored import read_stored


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Cluster all images with k-means, and the other methods of baselines.methods, fitted on the training images.

    Reads data/artifacts/images, data/artifacts/index.parquet, data/artifacts/embeddings.npy and
    data/artifacts/embedding_norms.npy; no labels. With scan.views: 0 also data/artifacts/features.npy,
    data/artifacts/standardization.safetensors and the checksum of data/artifacts/pretext/encoder.safetensors. A method
    that trains an encoder takes a new one, as the section encoder describes it, and pretext.augmentation.

    Writes data/artifacts/baselines.parquet with the methods kmeans (on the L2-normalized embeddings), kmeans_raw (on
    the embeddings as the encoder gives them), kmeans_pixels and, where heads learn from them, kmeans_scaled (on the
    features, each dimension scaled alike), which are always there, and further ones by their names.
    """
    config = load_params(params)
    count = cluster_count(config.scan.clusters).clusters
    seed = config.seed + config.baselines.seed
    images = open_images(IMAGES, torch.device("cpu"), workers=config.runtime.threads)
    fit_ids = read_index(INDEX, rows=len(images)).train_ids
    embeddings = read_embeddings(EMBEDDINGS, rows=len(images))
    norms = read_embedding_norms(EMBEDDING_NORMS, rows=len(images))
    further = [method for method in METHODS if method in config.baselines.methods and method != KMEANS]
    work = f"k-means of {counted(len(images), 'image')} in {counted(count, 'cluster')}"
    opening = Opening("baselines", ", ".join([work, *further]))
    features: dict[str, Float32[np.ndarray, "images dimensions"]] = {
        "kmeans": embeddings,
        "kmeans_raw": embeddings * norms[:, None],
        "kmeans_pixels": pixel_features(images, fit_ids=fit_ids),
    }
    if not config.scan.views:
        raw, standardization = read_stored(images=len(images))
        features["kmeans_scaled"] = standardization(torch.from_numpy(np.array(raw))).numpy()
    clusters: dict[str, Int64[np.ndarray, " images"]] = {}
    for method, values in track(features.items(), description="k-means", total=len(features)):
        clusters[method] = kmeans(values, fit_ids=fit_ids, clusters=count, seed=seed, workers=config.runtime.threads)
    for method in further:
        started = time.monotonic()
        if method == SPECTRAL:
            clusters[method] = spectral(embeddings, fit_ids=fit_ids, clusters=count, seed=seed)
        else:
            clusters[method] = _learned(method, config, fit_ids, clusters=count, seed=seed)
        tell(f"baselines: {method} took {duration(time.monotonic() - started)}")
    write_baselines(BASELINES, clusters)
    opening.close(f"{', '.join(clusters)}: evaluate compares SCAN with them")


def _learned(
    method: str, config: Params, fit_ids: Int64[np.ndarray, " fit"], *, clusters: int, seed: int
) -> Int64[np.ndarray, " images"]:
    """Train an encoder by one of ``LEARNED``, on the device of the trainings, and return the cluster of each image."""
    device = choose_device(config.runtime.device)
    prepare(device)
    images = open_images(IMAGES, device, workers=config.runtime.threads)
    torch.manual_seed(seed)
    encoder, start = started_encoder(config.encoder, channels=images.channels, image_size=images.size)
    normalization = start.normalization or read_normalization(INDEX, channels=images.channels)
    augmentation = Augmentation(config.pretext.augmentation.operations(), **normalization._asdict())
    try:
        return LEARNED[method](
            Pictures(images, fit_ids, augmentation),
            encoder,
            clusters=clusters,
            epochs=config.baselines.epochs,
            generator=torch.Generator().manual_seed(seed),
        )
    except (DataError, TrainingError) as error:
        raise type(error)(f"baselines, {method}: {error}") from error


if __name__ == "__main__":
    run(main)
