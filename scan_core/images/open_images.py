"""Open the stored images, in the way that suits the device."""

from pathlib import Path

import torch

from scan_core.artifacts.images import PIXELS, read_pixels
from scan_core.artifacts.shards import PATTERN, Shards
from scan_core.images.images import HostImages, Images, ResidentImages
from scan_core.images.streamed import StreamedImages

SHARE_OF_DEVICE = 0.5
"""Share of the device's free memory that the images may take; the rest is for the training."""


def open_images(folder: Path, device: torch.device, *, workers: int) -> Images:
    """Open the images of ``folder`` for ``device``; the batches are the same in each case.

    Pixels stay in the device's memory if they fit, else in the host's; ``workers`` threads decode shards from the disk.

    Raises:
        ArtifactError: no images in ``folder``, or malformed ones.
    """
    if not (folder / PIXELS).exists() and any(folder.glob(PATTERN)):
        return StreamedImages(Shards(folder), device, workers=workers)
    pixels = read_pixels(folder)
    if device.type == "cuda" and pixels.nbytes > SHARE_OF_DEVICE * torch.cuda.mem_get_info(device)[0]:  # pragma: gpu
        return HostImages(pixels, device)
    return ResidentImages(pixels, device)
