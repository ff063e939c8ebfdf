"""Let heads start from the centers of k-means."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from scan_core.artifacts.standardization import Standardization
from scan_core.clustering.model import ClusterHeads
from scan_core.kmeans.kmeans import kmeans

MARGIN = 4.0
"""Of an image's two largest logits, the mean difference at the start: sure enough to keep the clusters, not so sure
that nothing is left to learn."""
_CHUNK = 8192
"""Images whose distances to all centers are in memory at once."""


@torch.no_grad()
def start_from_kmeans(
    heads: ClusterHeads,
    points: Float[Tensor, "images features"],
    *,
    seed: int,
    standardization: Standardization | None = None,
) -> None:
    """Let each head predict the nearest center of a k-means of its own, ``softmax(-s |x - c|^2)``.

    As a linear layer, weights ``2 s c`` and biases ``-s |c|^2``, where ``s`` makes the mean difference between an
    image's two largest logits ``MARGIN``.

    Args:
        points: standardized features of the images to learn from.
        standardization: where ``heads`` take features as they are, what made ``points`` of those.
    """
    count, clusters, _ = heads.weight.shape
    for head, start in enumerate(np.random.SeedSequence(seed).generate_state(count)):
        centers = kmeans_centers(points, clusters, seed=int(start))
        scale = MARGIN / _gaps(points, centers).mean().clamp(min=1e-12)
        weight, bias = 2 * scale * centers, -scale * centers.square().sum(1)
        if standardization is not None:
            weight = weight / standardization.scale
            bias = bias - weight @ standardization.center
        heads.weight[head], heads.bias[head] = weight, bias


def _gaps(
    points: Float[Tensor, "images features"], centers: Float[Tensor, "clusters features"]
) -> Float[Tensor, " images"]:
    """Return how much farther the second nearest center is than the nearest, in squared distance."""
    two = [torch.cdist(chunk, centers).square().topk(2, largest=False).values for chunk in torch.split(points, _CHUNK)]
    return torch.cat(two).diff(dim=1)[:, 0]


def kmeans_centers(
    points: Float[Tensor, "images features"], clusters: int, *, seed: int
) -> Float[Tensor, "clusters features"]:
    """Return the centers that one start of k-means finds."""
    found = kmeans(points.numpy(), fit_ids=np.arange(len(points)), clusters=clusters, seed=seed, inits=1)
    assigned = torch.from_numpy(found)
    sums = torch.zeros(clusters, points.shape[1]).index_add_(0, assigned, points)
    return sums / assigned.bincount(minlength=clusters).clamp(min=1)[:, None]
