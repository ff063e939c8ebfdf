"""The graph of nearest neighbors, coordinates that follow it, and the modularity of clusters in it."""

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse.linalg import eigsh
from sklearn.neighbors import kneighbors_graph

from scan_core.errors import DataError

NEIGHBORS = 10
WALK = 8
"""Steps of a random walk."""


def neighbor_graph(embeddings: Float[np.ndarray, "images dimensions"]) -> sparse.csr_matrix:
    """Join each image to its ten nearest neighbors (fewer among few images); an edge that both draw weighs 1, else 1/2.

    Returns:
        Weights [images, images], symmetric, with an empty diagonal.
    """
    graph = kneighbors_graph(embeddings, min(NEIGHBORS, len(embeddings) // 3), include_self=False)
    return sparse.csr_matrix((graph + graph.T) / 2)


def graph_coordinates(graph: sparse.csr_matrix, *, dimensions: int) -> Float[np.ndarray, "images dimensions"]:
    """Return directions in which images are close that a random walk of eight steps along the graph takes to the same.

    The leading eigenvectors of the normalized graph, each times its eigenvalue to the power of the steps (diffusion
    maps, Coifman and Lafon 2006), rows of length 1 (Ng, Jordan and Weiss 2002): groups that the graph hardly joins come
    to lie at right angles, and what divides a group within counts little.
    """
    scale = sparse.diags(1 / np.sqrt(np.asarray(graph.sum(axis=1)).ravel()))
    shifted = scale @ graph @ scale + sparse.identity(graph.shape[0])  # eigenvalues in [0, 2]: the leading ones are top
    start = np.random.default_rng(0).uniform(-1, 1, graph.shape[0])
    values, vectors = eigsh(shifted, k=dimensions, which="LA", v0=start)
    coordinates = vectors * np.maximum(values - 1, 0) ** WALK
    return coordinates / np.maximum(np.linalg.norm(coordinates, axis=1, keepdims=True), np.finfo(float).tiny)


def modularity(graph: sparse.csr_matrix, clusters: Int[np.ndarray, " images"]) -> float:
    """Share of the edges' weight inside clusters, beyond that of edges drawn at random (Newman 2006), in [-1/2, 1].

    Raises:
        DataError: no edge.
    """
    degrees, total = np.asarray(graph.sum(axis=1)).ravel(), graph.sum()
    if not total:
        raise DataError("a graph without edges, expected neighbors")
    edges = graph.tocoo()
    inside = edges.data[clusters[edges.row] == clusters[edges.col]].sum() / total
    return float(inside - np.sum((np.bincount(clusters, weights=degrees) / total) ** 2))
