"""Calling PIL on tensors, one image at a time."""

from collections.abc import Callable

import torch
import torchvision.transforms.v2.functional as tvf
from PIL import Image
from torch import Tensor


def to_pil(pixels: Tensor) -> Image.Image:
    array = pixels.permute(1, 2, 0).numpy()
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def one_by_one(operation: Callable[[Image.Image, float], Image.Image], pixels: Tensor, values: Tensor) -> Tensor:
    """Apply ``operation`` to each image with its own value."""
    results = [operation(to_pil(image), value) for image, value in zip(pixels, values.tolist(), strict=True)]
    return torch.stack([tvf.pil_to_tensor(result) for result in results])
