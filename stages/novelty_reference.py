"""Find the features of a model's training images, with which new pictures are compared."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from scan_core.artifacts.features import read_features, write_features
from scan_core.artifacts.index import read_index, read_origin
from scan_core.artifacts.model import checksum
from scan_core.artifacts.standardization import read_standardization
from scan_core.clustering.model import FROZEN
from scan_core.console.progress import say
from scan_core.encoders.build import check_images
from scan_core.errors import ArtifactError
from scan_core.images.open_images import open_images
from scan_core.prediction.clusterer import Clusterer
from scan_core.prediction.features import heads_take
from scan_core.prediction.novelty import REFERENCES
from stages.paths import FEATURES, IMAGES, INDEX, STANDARDIZATION, main_root

NAME = "novelty"


def reference_features(clusterer: Clusterer, model: Path, *, threads: int) -> Float32[np.ndarray, "images features"]:
    """Return features of at most ``REFERENCES`` training images, drawn at random, by the model in the file ``model``.

    Those of a frozen encoder are there (``features.npy``). Those of one that has learned are computed once, which
    takes as long as predicting so many pictures, and kept below ``.resume``.

    Raises:
        ArtifactError: they, or the images, are not here, or are not those of this model.
    """
    metadata = clusterer.metadata
    index = read_index(INDEX)
    _check_run(metadata.get("run"), model)
    train_ids = index.train_ids[:REFERENCES]
    if FROZEN in metadata:
        read_standardization(STANDARDIZATION, encoder_sha256=metadata[FROZEN])  # says whose features they are
        stored = read_features(FEATURES, rows=len(index.train))
        return heads_take(clusterer.model, torch.from_numpy(stored[train_ids]).to(clusterer.device))
    kept = main_root() / ".resume" / f"{NAME}-{checksum(model)[:16]}.npy"
    if kept.exists():
        return np.asarray(read_features(kept, rows=len(train_ids)))
    images = open_images(IMAGES, clusterer.device, workers=threads)
    check_images(model, metadata, channels=images.channels, size=images.size)
    say(f"{NAME}: features of {len(train_ids):,} training images are computed, once for this model")
    features = clusterer.outputs(images, train_ids, description=NAME).features
    write_features(kept, features)
    for other in kept.parent.glob(f"{NAME}-*.npy"):
        if other != kept:
            other.unlink(missing_ok=True)
    return features


def _check_run(run: object, model: Path) -> None:
    found = run.get("pixels_digest") if isinstance(run, dict) else None
    if found != read_origin(INDEX)["pixels_digest"]:
        raise ArtifactError(f"{model}: made from other images than those in {IMAGES.parent}")
