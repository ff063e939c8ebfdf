"""Compute the mean and scale that standardize features; cluster heads learn better from standardized features."""

import numpy as np
import torch
from jaxtyping import Float, Int64

from scan_core.artifacts.standardization import Standardization

FIT_LIMIT = 20_000
"""Largest number of images to fit to; if there are more, every n-th is used."""
LEAST_SCALE = 1e-3
"""Smallest scale of a dimension, relative to the largest, so that a nearly constant dimension is not amplified."""


def fit_standardization(
    features: Float[np.ndarray, "images features"], *, fit_ids: Int64[np.ndarray, " fit"]
) -> Standardization:
    """Fit to the images ``fit_ids``, to at most ``FIT_LIMIT`` of them."""
    rows = features[fit_ids[:: -(-len(fit_ids) // FIT_LIMIT)]].astype(np.float64)
    scale = rows.std(axis=0)
    least = max(LEAST_SCALE * scale.max(), np.finfo(np.float32).tiny)
    standardization = Standardization(features.shape[1])
    standardization.center.copy_(torch.from_numpy(rows.mean(axis=0)))
    standardization.scale.copy_(torch.from_numpy(scale.clip(min=least)))
    return standardization
