"""The images that the page shows some of."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int64, Integer, UInt8

from scan_core.images.images import Images
from scan_core.report.map_table import Plane


class Pictures(NamedTuple):
    """The evaluated images."""

    images: Images
    """All images; only those shown are read."""
    ids: Int64[np.ndarray, " evaluated"]
    embeddings: Float32[np.ndarray, "evaluated dimensions"]
    plane: Plane
    """The map."""
    kmeans: Integer[np.ndarray, " evaluated"]
    """Each image's cluster by k-means on the embeddings."""
    paths: Sequence[str]
    """The origin of each."""

    def pixels(self, rows: Integer[np.ndarray, " shown"]) -> UInt8[np.ndarray, "shown channels size size"]:
        """Return some of them."""
        return self.images.gather(torch.from_numpy(self.ids[rows])).cpu().numpy()
