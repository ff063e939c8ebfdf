"""Neighbor purity: how many of an image's nearest neighbors have its label."""

import numpy as np
from jaxtyping import Float, Int


def neighbor_purity(
    image_id: Int[np.ndarray, " train"],
    neighbor_id: Int[np.ndarray, "train k"],
    labels: Int[np.ndarray, " images"],
) -> Float[np.ndarray, " shown"]:
    """Return the share of an image's first k neighbors that have its label, averaged over images, for k = 1..K.

    Args:
        labels: the label of every image of the dataset, negative where unlabeled.

    Returns:
        [K], in [0, 1], higher is better. Unlabeled images and neighbors are left out: NaN for each k without a labeled
            pair, empty if there is none at all.
    """
    own = labels[image_id]
    seen = labels[neighbor_id[own >= 0]]
    known = np.cumsum(seen >= 0, axis=1)
    agree = np.cumsum(seen == own[own >= 0, None], axis=1)
    images = (known > 0).sum(axis=0)
    total = (agree / np.maximum(known, 1)).sum(axis=0)
    purity = np.where(images > 0, total / np.maximum(images, 1), np.nan)
    return purity if images.any() else purity[:0]
