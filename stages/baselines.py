"""Stage baselines: cluster the images without SCAN, to compare with."""

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from jaxtyping import Float32

from scan_core.artifacts.clusters import write_baselines
from scan_core.artifacts.embeddings import read_embedding_norms, read_embeddings
from scan_core.artifacts.index import read_index
from scan_core.baselines.kmeans import kmeans
from scan_core.baselines.pixel_features import pixel_features
from scan_core.console.progress import track
from scan_core.console.words import counted
from scan_core.images.open_images import open_images
from stages.cli import run
from stages.fitting import cluster_count
from stages.opening import Opening
from stages.params_file import load_params
from stages.paths import BASELINES, EMBEDDING_NORMS, EMBEDDINGS, IMAGES, INDEX, PARAMS
from stages.stored import read_stored


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Cluster all images with k-means fitted on the training images, to compare with.

    Reads data/artifacts/images, data/artifacts/index.parquet, data/artifacts/embeddings.npy and
    data/artifacts/embedding_norms.npy; no labels. With scan.views: 0 also data/artifacts/features.npy,
    data/artifacts/standardization.safetensors and the checksum of data/artifacts/pretext/encoder.safetensors.

    Writes data/artifacts/baselines.parquet with the methods kmeans (on the L2-normalized embeddings), kmeans_raw (on
    the embeddings as the encoder gives them), kmeans_pixels and, where heads learn from them, kmeans_scaled (on the
    features, each dimension scaled alike).
    """
    config = load_params(params)
    count = cluster_count(config.scan.clusters).clusters
    images = open_images(IMAGES, torch.device("cpu"), workers=config.runtime.threads)
    fit_ids = read_index(INDEX, rows=len(images)).train_ids
    embeddings = read_embeddings(EMBEDDINGS, rows=len(images))
    norms = read_embedding_norms(EMBEDDING_NORMS, rows=len(images))
    opening = Opening("baselines", f"k-means of {counted(len(images), 'image')} in {counted(count, 'cluster')}")
    features: dict[str, Float32[np.ndarray, "images dimensions"]] = {
        "kmeans": embeddings,
        "kmeans_raw": embeddings * norms[:, None],
        "kmeans_pixels": pixel_features(images, fit_ids=fit_ids),
    }
    if not config.scan.views:
        raw, standardization = read_stored(images=len(images))
        features["kmeans_scaled"] = standardization(torch.from_numpy(np.array(raw))).numpy()
    clusters = {}
    for method, values in track(features.items(), description="k-means", total=len(features)):
        clusters[method] = kmeans(
            values,
            fit_ids=fit_ids,
            clusters=count,
            seed=config.seed,
            workers=config.runtime.threads,
        )
    write_baselines(BASELINES, clusters)
    opening.close(f"{', '.join(clusters)}: evaluate compares SCAN with them")


if __name__ == "__main__":
    run(main)
