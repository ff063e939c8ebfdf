"""The index and the embeddings of a project, without the stages that write them."""

import numpy as np

from scan_core.artifacts.arrays import write_array
from scan_core.artifacts.index import Index, Normalization, write_index
from stages.paths import EMBEDDINGS, INDEX


def write_images_of(train: np.ndarray, evaluate: np.ndarray | None = None) -> None:
    """Write the index of images to learn from and to evaluate on (bool [N]; None: all others)."""
    index = Index(np.array(["all"] * len(train)), train, ~train if evaluate is None else evaluate)
    write_index(INDEX, index, normalization=Normalization([0.5], [0.5]), pixels_digest="0")


def write_directions(points: np.ndarray) -> None:
    """Write ``points`` as embeddings of length 1."""
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    write_array(EMBEDDINGS, unit.astype(np.float32))
