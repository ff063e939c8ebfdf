import numpy as np
import torch

from scan_core.artifacts.neighbors import Neighbors
from scan_core.clustering.pairs import draw_partners, neighbor_rows


def test_image_ids_become_rows():
    table = Neighbors(np.array([2, 5, 9]), np.array([[5, 9], [9, 2], [2, 5]], np.int32), np.zeros((3, 2), np.float32))
    assert neighbor_rows(table).tolist() == [[1, 2], [2, 0], [0, 1]]


def test_partner_is_uniform_among_itself_and_its_neighbors():
    table = torch.tensor([[1, 2, 3]]).repeat(4, 1)
    partners = draw_partners(torch.zeros(40_000, dtype=torch.int64), table, torch.Generator().manual_seed(0))
    shares = partners.bincount(minlength=4) / 40_000
    # Standard deviation of a share of 1/4 in 40,000 draws: 0.0022.
    assert ((shares - 0.25).abs() < 0.01).all()


def test_without_neighbors_the_partner_is_the_image_itself():
    rows = torch.tensor([3, 1])
    assert draw_partners(rows, torch.empty(4, 0, dtype=torch.int64), torch.Generator()).equal(rows)


def test_partners_are_those_of_the_generator():
    table, rows = torch.arange(40).view(4, 10), torch.zeros(50, dtype=torch.int64)
    a, b = (draw_partners(rows, table, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(a, b)
