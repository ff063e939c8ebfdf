"""Which two images a step of the SCAN loss brings together."""

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.artifacts.neighbors import Neighbors


def neighbor_rows(neighbors: Neighbors) -> Int64[Tensor, "images neighbors"]:
    """The neighbors as rows of the table instead of image ids."""
    return torch.from_numpy(np.searchsorted(neighbors.image_id, neighbors.neighbor_id).astype(np.int64))


def draw_partners(
    rows: Int64[Tensor, " batch"], table: Int64[Tensor, "images neighbors"], generator: torch.Generator
) -> Int64[Tensor, " batch"]:
    """For each row its partner, uniform among the row itself and its neighbors in ``table``."""
    candidates = torch.cat([rows[:, None], table[rows]], dim=1)
    choice = torch.randint(candidates.shape[1], (len(rows), 1), generator=generator)
    return candidates.gather(1, choice)[:, 0]
