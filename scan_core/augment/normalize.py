"""Normalize pixels for the encoder."""

from collections.abc import Sequence

import torch

from scan_core.augment.pixels import Bytes, ImageBatch, to_unit


def normalize(images: Bytes, mean: Sequence[float], std: Sequence[float]) -> ImageBatch:
    """Return ``(images / 255 - mean) / std``, with one mean and standard deviation per channel.

    Raises:
        ValueError: ``mean`` or ``std`` does not have one value per channel.
    """
    return standardize(to_unit(images), mean, std)


def standardize(images: ImageBatch, mean: Sequence[float], std: Sequence[float]) -> ImageBatch:
    """Return ``(images - mean) / std``; see :func:`normalize`."""
    channels = images.shape[1]
    if len(mean) != channels or len(std) != channels:
        raise ValueError(f"{len(mean)} means and {len(std)} stds, expected one for each of the {channels} channels")
    centers, widths = torch.tensor([mean, std], dtype=torch.float32).to(images.device, non_blocking=True)
    return images.sub(centers[:, None, None]).div_(widths[:, None, None])
