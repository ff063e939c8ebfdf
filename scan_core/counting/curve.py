"""Measure without labels how well each of many numbers of clusters fits."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits

from scan_core.counting.neighbor_graph import graph_coordinates, modularity, neighbor_graph

DIMENSIONS = 16
"""Number of coordinates for k-means, and of principal components for the silhouette."""
IMAGES_PER_CLUSTER = 3
STEP = 1.1
"""Ratio of one number of clusters to the one before, where that is a step of more than 1."""


class Point(NamedTuple):
    """How well ``clusters`` clusters fit."""

    clusters: int
    silhouette: float
    """Mean over the images (Rousseeuw 1987), in [-1, 1]: how much nearer an image is to its own cluster."""
    modularity: float
    """In [-1/2, 1]: how many neighbors share a cluster, beyond chance."""
    agreement: float
    """Adjusted Rand index between two starts of k-means, in [-1/2, 1]: 1 where both find the same clusters."""

    @property
    def fit(self) -> float:
        """Silhouette times modularity, 0 where either is negative: one falls with more clusters, the other rises."""
        return max(self.silhouette, 0.0) * max(self.modularity, 0.0)


def numbers_to_try(images: int, *, most: int) -> list[int]:
    """Return 2, 3, ..., in growing steps, up to ``most`` or a third of the images; empty with fewer than 6 images."""
    numbers, largest = [], min(most, images // IMAGES_PER_CLUSTER)
    number = 2
    while number <= largest:
        numbers.append(number)
        number = max(number + 1, round(number * STEP))
    return numbers


def curve(embeddings: Float[np.ndarray, "images dimensions"], *, numbers: Sequence[int], seed: int) -> Iterator[Point]:
    """Yield how well each of ``numbers`` fits; nothing if ``numbers`` is empty, however few images there are.

    k-means clusters coordinates that follow the graph of nearest neighbors, as UMAP's do, in whose space Lowe et al.
    (2024) found that the silhouette follows the agreement with labels. The silhouette is measured in the leading
    principal components, in which distances still mean what they do for the encoder.

    Args:
        embeddings: of a sample; a few thousand are plenty.
    """
    if not numbers:
        return
    dimensions = min(DIMENSIONS, len(embeddings) // IMAGES_PER_CLUSTER, embeddings.shape[1])
    with threadpool_limits(limits=1):
        graph = neighbor_graph(embeddings)
        coordinates = graph_coordinates(graph, dimensions=min(DIMENSIONS, len(embeddings) // IMAGES_PER_CLUSTER))
        components = PCA(dimensions, svd_solver="randomized", random_state=0).fit_transform(embeddings)
        for number in numbers:
            yield _point(number, graph, coordinates, components, seed=seed)


def _point(
    number: int,
    graph: sparse.csr_matrix,
    coordinates: Float[np.ndarray, "images dimensions"],
    components: Float[np.ndarray, "images components"],
    *,
    seed: int,
) -> Point:
    starts = np.random.SeedSequence([seed, number]).generate_state(2)
    fits = [KMeans(number, n_init=1, random_state=int(start)).fit(coordinates) for start in starts]
    clusters: Int[np.ndarray, " images"] = min(fits, key=lambda fit: fit.inertia_).labels_
    return Point(
        number,
        float(silhouette_score(components, clusters)) if 1 < len(np.unique(clusters)) < len(clusters) else 0.0,
        modularity(graph, clusters),
        float(adjusted_rand_score(fits[0].labels_, fits[1].labels_)),
    )
