"""Average several cluster heads into one."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int64
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def match_clusters(logits: Sequence[Float[Tensor, "images clusters"]]) -> Int64[Tensor, "heads clusters"]:
    """Give corresponding clusters of several heads the same number.

    The clusters of each head are matched one-to-one to those of the sum of the heads before it, so that they share as
    many images as possible (Kuhn, 1955).

    Returns:
        For each head, its clusters in the order of the first head's.
    """
    together = logits[0].clone()
    orders = [torch.arange(together.shape[1])]
    for head in logits[1:]:
        shared = _contingency(together.argmax(-1), head.argmax(-1), head.shape[-1])
        orders.append(torch.from_numpy(linear_sum_assignment(shared.cpu().numpy(), maximize=True)[1]))
        together += head[:, orders[-1].to(head.device)]
    return torch.stack(orders)


def _contingency(
    first: Int64[Tensor, " images"], second: Int64[Tensor, " images"], clusters: int
) -> Int64[Tensor, "clusters clusters"]:
    return (first * clusters + second).bincount(minlength=clusters**2).view(clusters, clusters)


def merge_heads(
    weights: Mapping[str, Tensor], logits: Sequence[Float[Tensor, "images clusters"]], chosen: Int64[Tensor, " chosen"]
) -> tuple[dict[str, Tensor], Float[Tensor, "images clusters"]]:
    """Average the heads ``chosen``, after matching their clusters.

    Heads end in different optima and make different mistakes. Since they are linear and take the same features, the
    logits of the averaged head are the mean of theirs.

    Args:
        weights: those of a model; names that start with ``heads.`` have the heads as their first axis.
        logits: those of each head.

    Returns:
        The weights of the same model with the merged head as its only one, and its logits.
    """
    orders = match_clusters([logits[head] for head in chosen])
    merged = {
        name: _mean(value[chosen], orders)[None] if name.startswith("heads.") else value
        for name, value in weights.items()
    }
    return merged, _mean(torch.stack([logits[head].T for head in chosen]), orders).T


def _mean(
    values: Float[Tensor, "heads clusters *any"], orders: Int64[Tensor, "heads clusters"]
) -> Float[Tensor, "#clusters *any"]:
    return torch.stack([value[order] for value, order in zip(values, orders.to(values.device), strict=True)]).mean(0)
