"""Draw the pairs of images for the SCAN loss."""

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.artifacts.neighbors import Neighbors

Rows = Int64[Tensor, "steps batch"]
"""Positions of training images, step by step."""


def neighbor_rows(neighbors: Neighbors) -> Int64[Tensor, "images neighbors"]:
    """Return the neighbors as rows of the table instead of image ids."""
    return torch.from_numpy(np.searchsorted(neighbors.image_id, neighbors.neighbor_id).astype(np.int64))


def draw_partners(
    rows: Int64[Tensor, "*any"], table: Int64[Tensor, "images neighbors"], generator: torch.Generator
) -> Int64[Tensor, "*any"]:
    """Draw a partner for each row, uniformly from the row itself and its neighbors in ``table``."""
    if not table.shape[1]:
        return rows
    choice = torch.randint(table.shape[1] + 1, rows.shape, generator=generator)
    return torch.where(choice == 0, rows, table[rows, choice - 1])
