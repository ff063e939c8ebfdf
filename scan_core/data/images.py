"""Images at the device's side: given ids, the pixels."""

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor


class ResidentImages:
    """All images in the device's memory (on the CPU: memory-mapped), as uint8."""

    def __init__(self, pixels: npt.NDArray[np.uint8], device: torch.device) -> None:
        self._pixels = torch.from_numpy(pixels).to(device)

    def __len__(self) -> int:
        return len(self._pixels)

    @property
    def device(self) -> torch.device:
        """Where :meth:`gather` puts the images."""
        return self._pixels.device

    def gather(self, image_ids: Int64[Tensor, " batch"]) -> UInt8[Tensor, "batch channels height width"]:
        """The images of ``image_ids`` (on any device), in that order."""
        return self._pixels[image_ids.to(self.device, non_blocking=True)]


def channel_statistics(
    pixels: npt.NDArray[np.uint8], image_ids: npt.NDArray[np.int64]
) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel over the images ``image_ids``, in [0, 1].

    Exact and independent of order: computed from integer histograms.
    """
    levels = np.arange(256) / 255
    counts = np.zeros((pixels.shape[1], 256), dtype=np.int64)
    for start in range(0, len(image_ids), 1024):
        batch = pixels[image_ids[start : start + 1024]]
        for channel in range(pixels.shape[1]):
            counts[channel] += np.bincount(batch[:, channel].ravel(), minlength=256)
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ levels
    deviation = np.sqrt(np.maximum(shares @ levels**2 - mean**2, 0))
    return mean.tolist(), np.maximum(deviation, 1 / 255).tolist()
