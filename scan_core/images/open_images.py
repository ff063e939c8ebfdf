"""Where to keep the images while working with them."""

from pathlib import Path

import torch

from scan_core.artifacts.images import PIXELS, read_pixels
from scan_core.artifacts.shards import PATTERN, Shards
from scan_core.images.images import HostImages, Images, ResidentImages
from scan_core.images.streamed import StreamedImages

SHARE_OF_DEVICE = 0.5
"""Of the device's free memory, what the images may take; the rest is for the training."""


def open_images(folder: Path, device: torch.device, *, workers: int) -> Images:
    """The images of ``folder``, wanted on ``device``: the same batches in each case.

    Pixels are resident in the device's memory where they fit, else in the host's; shards are streamed from the disk and
    decoded by ``workers`` threads.

    Raises:
        ArtifactError: no images there, or malformed ones.
    """
    if not (folder / PIXELS).exists() and any(folder.glob(PATTERN)):
        return StreamedImages(Shards(folder), device, workers=workers)
    pixels = read_pixels(folder)
    if device.type == "cuda" and pixels.nbytes > SHARE_OF_DEVICE * torch.cuda.mem_get_info(device)[0]:  # pragma: gpu
        return HostImages(pixels, device)
    return ResidentImages(pixels, device)
