"""Image batches that reach the edge cases: noise, smooth ramps, few levels, one color, black, white."""

import pytest
import torch
from torch import Tensor


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(params=[(3, 32, 32), (1, 32, 32), (3, 17, 24), (1, 8, 8)], ids=str)
def pixels(request: pytest.FixtureRequest, generator: torch.Generator) -> Tensor:
    """uint8, 16 images, with 1 or 3 channels, square or not."""
    channels, height, width = request.param
    noise = torch.randint(0, 256, (9, channels, height, width), generator=generator)
    ramp = torch.arange(height)[:, None] * 3 + torch.arange(width) * 2 + torch.arange(channels)[:, None, None] * 5
    few_levels = torch.randint(100, 103, (2, channels, height, width), generator=generator)
    constant = torch.tensor([0, 255, 77])[:, None, None, None].expand(3, channels, height, width)
    return torch.cat([noise, ramp[None], few_levels, constant, noise[:1] // 2 + 60]).to(torch.uint8)


@pytest.fixture
def images(pixels: Tensor) -> Tensor:
    """The same in [0, 1]."""
    return pixels / 255
