"""How unlike the images that a model was trained on a picture is."""

import numpy as np
from jaxtyping import Float32

from scan_core.neighbors.others import others
from scan_core.neighbors.search import exact_search

REFERENCES = 20_000
"""Training images that pictures are compared with, at most."""
SAMPLE = 4096
"""Of these, those whose own distances are found."""
QUERIES = 1024
"""Pictures that are compared together."""


class Novelty:
    """Distances to the nearest training image, by the cosine, as percentiles of those among training images.

    The same idea as in Sun et al. (2022, "Out-of-Distribution Detection with Deep Nearest Neighbors").

    Args:
        reference: features of at least two training images, in random order, as :class:`Outputs` has them.
    """

    def __init__(self, reference: Float32[np.ndarray, "images features"]) -> None:
        points = _unit(reference[:REFERENCES])
        self._search = exact_search(points, gpus=[])
        rows = np.arange(min(len(points), SAMPLE))
        found = [others(self._search(points[part], 2), part) for part in _parts(rows)]
        self._own = np.sort(np.concatenate([-part.similarity[:, 0] for part in found]))

    def of(self, features: Float32[np.ndarray, "pictures features"]) -> Float32[np.ndarray, " pictures"]:
        """Return, for each picture, the percentage of training images that are nearer to their nearest other one.

        In [0, 100]: 0 is as near as duplicates are, 100 farther than any training image is from the others.
        """
        unit = _unit(features)
        found = [self._search(unit[part], 1).similarity[:, 0] for part in _parts(np.arange(len(unit)))]
        distance = -np.concatenate([np.empty(0, np.float32), *found])
        return (100 * np.searchsorted(self._own, distance) / len(self._own)).astype(np.float32)


def _unit(features: Float32[np.ndarray, "images features"]) -> Float32[np.ndarray, "images features"]:
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.ascontiguousarray(features / np.maximum(length, np.finfo(np.float32).tiny))


def _parts(rows: np.ndarray) -> list[np.ndarray]:
    return np.array_split(rows, range(QUERIES, len(rows), QUERIES)) if len(rows) else []
