"""Turn an encoder's features into embeddings of length 1."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scan_core.errors import TrainingError


class Embeddings(NamedTuple):
    """Unit vectors, and their lengths before normalization."""

    unit: npt.NDArray[np.float32]
    """[N, D]"""
    norm: npt.NDArray[np.float32]
    """[N]"""


def normalize_features(
    features: Float[Tensor, "images dimensions"], *, center_of: Int64[np.ndarray, " fit"] | None
) -> Embeddings:
    """L2-normalize each row, after subtracting the mean of the rows ``center_of`` if given.

    The outputs of a ReLU are never negative, so all rows have a common direction; without it, angles differ more.

    Args:
        center_of: the training images; None subtracts nothing.

    Raises:
        TrainingError: a row is zero or not finite, so that it has no direction.
    """
    if center_of is not None:
        features = features - features[torch.from_numpy(center_of)].mean(dim=0)
    norm = features.norm(dim=1)
    wrong = (~(norm.isfinite() & (norm > 0))).nonzero()[:, 0]
    if len(wrong):
        raise TrainingError(
            f"{len(wrong)} of {len(features)} embeddings are zero or not finite (first: image {int(wrong[0])}): the "
            "encoder has failed to learn, or all images are equal"
        )
    return Embeddings((features / norm[:, None]).cpu().numpy(), norm.cpu().numpy())
