"""The consistency term of the SCAN loss over all neighbors of many images, by products of probabilities."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scan_core.clustering.scan_loss import consistency_loss
from scan_core.parallel.distributed import share, total

_CHUNK = 2**22
"""Number of probabilities gathered at a time."""
_LEAST_PRODUCT = 1e-30
"""Below it float32 loses precision, and the pair is computed from its log-probabilities."""


@torch.no_grad()
def neighbor_consistency(
    log_p: Float[Tensor, "images clusters"], neighbor_rows: Int64[Tensor, "images neighbors"]
) -> Float[Tensor, ""]:
    """Return the mean of ``-log <p, q>`` over all images and all their neighbors, in nats (SCAN, Eq. 2, first term).

    The result equals the mean of ``consistency_loss`` over all pairs, up to rounding, but takes one logarithm per pair
    instead of exponentials and logarithms for each cluster. It has no gradient. All processes share the work; each has
    all of ``log_p``.

    Args:
        neighbor_rows: rows of ``log_p``; without a column (K = 0), each image is paired with itself.
    """
    rows = neighbor_rows if neighbor_rows.shape[1] else torch.arange(len(log_p), device=log_p.device)[:, None]
    p = log_p.exp()
    size = max(1, _CHUNK // (rows.shape[1] * p.shape[1]))
    chunks = torch.split(torch.arange(len(rows), device=log_p.device)[share(len(rows))], size)
    # Allocated once: a new large tensor for each chunk would fragment the memory, since small tensors lie between.
    sums = log_p.new_zeros(len(chunks))
    gathered = p.new_empty(size * rows.shape[1], p.shape[1])
    for i, own in enumerate(chunks):
        others = rows[own]
        q = torch.index_select(p, 0, others.flatten(), out=gathered[: others.numel()])
        product = torch.bmm(q.view(*others.shape, -1), p[own, :, None])[..., 0]
        loss = -product.log()
        image, neighbor = (product < _LEAST_PRODUCT).nonzero(as_tuple=True)
        loss[image, neighbor] = consistency_loss(log_p[own[image]], log_p[others[image, neighbor]])
        sums[i] = loss.sum()
    return total(sums.sum()) / rows.numel()
