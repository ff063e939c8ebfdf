"""Initialize cluster heads from the centers of k-means."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scan_core.artifacts.standardization import Standardization
from scan_core.clustering.model import ClusterHeads
from scan_core.kmeans.kmeans import kmeans

MARGIN = 4.0
"""Mean difference of an image's two largest logits at the start: large enough to keep the clusters of k-means, small
enough that the loss still has a gradient."""
_CHUNK = 8192
"""Number of images whose distances to all centers are computed at once."""


@torch.no_grad()
def start_from_kmeans(
    heads: ClusterHeads,
    points: Float[Tensor, "images features"],
    *,
    seed: int,
    standardization: Standardization | None = None,
    prior: Sequence[float] | None = None,
) -> None:
    """Set each head so that it predicts the nearest center of its own k-means: ``softmax(-s |x - c|^2)``.

    In a linear layer, these are the weights ``2 s c`` and the biases ``-s |c|^2``. The scale ``s`` is chosen so that an
    image's two largest logits differ by ``MARGIN`` on average.

    Args:
        points: standardized features of the training images.
        standardization: what ``points`` were standardized with, if ``heads`` take features that are not.
        prior: the shares that the clusters shall have; the largest one then starts from the center of most images.
    """
    count, clusters, _ = heads.weight.shape
    for head, start in enumerate(np.random.SeedSequence(seed).generate_state(count)):
        centers, sizes = kmeans_centers(points, clusters, seed=int(start))
        if prior is not None:
            ranks = torch.tensor(prior).argsort(descending=True, stable=True).argsort()
            centers = centers[sizes.argsort(descending=True, stable=True)[ranks]]
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
) -> tuple[Float[Tensor, "clusters features"], Int64[Tensor, " clusters"]]:
    """Return the centers that one start of k-means finds, and the numbers of images of which each is the mean."""
    found = kmeans(points.numpy(), fit_ids=np.arange(len(points)), clusters=clusters, seed=seed, inits=1)
    assigned = torch.from_numpy(found)
    sums = torch.zeros(clusters, points.shape[1]).index_add_(0, assigned, points)
    sizes = assigned.bincount(minlength=clusters)
    return sums / sizes.clamp(min=1)[:, None], sizes
