"""Serve images to trainings: from ids to pixels on the device."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from scan_core.parallel.threads import ordered_map

READ_AHEAD_THREADS = 2


class Images(ABC):
    """N images of C channels and S x S pixels, wherever they are stored."""

    def __init__(self, shape: Sequence[int], device: torch.device) -> None:
        count, channels, size, _ = shape
        self.channels, self.size = channels, size
        self.device = device
        """The device that the pixels are served to."""
        self._count = count

    def __len__(self) -> int:
        return self._count

    def gather(self, image_ids: Int64[Tensor, " batch"]) -> UInt8[Tensor, "batch channels height width"]:
        """Return the images of ``image_ids`` (on any device), in that order."""
        return next(self.batches([image_ids]))

    @abstractmethod
    def batches(self, image_ids: Sequence[Int64[Tensor, " _"]]) -> Iterator[UInt8[Tensor, "_ channels height width"]]:
        """Yield :meth:`gather` of each of ``image_ids``; the next ones are prepared in the background."""


class ResidentImages(Images):
    """All images in the device's memory; on the CPU, memory-mapped, so that the system decides what stays in memory."""

    def __init__(self, pixels: npt.NDArray[np.uint8], device: torch.device) -> None:
        super().__init__(pixels.shape, device)
        self._pixels = torch.from_numpy(pixels).to(device)

    def batches(self, image_ids: Sequence[Int64[Tensor, " _"]]) -> Iterator[UInt8[Tensor, "_ channels height width"]]:
        return (self._pixels[ids.to(self.device, non_blocking=True)] for ids in image_ids)


class HostImages(Images):
    """Images memory-mapped by the host, for a device whose memory they exceed."""

    def __init__(self, pixels: npt.NDArray[np.uint8], device: torch.device) -> None:
        super().__init__(pixels.shape, device)
        self._pixels = pixels

    def batches(self, image_ids: Sequence[Int64[Tensor, " _"]]) -> Iterator[UInt8[Tensor, "_ channels height width"]]:
        for pixels in ordered_map(self._read, image_ids, chunk=1, workers=READ_AHEAD_THREADS):
            yield pixels.to(self.device, non_blocking=True)

    def _read(self, image_ids: Int64[Tensor, " batch"]) -> UInt8[Tensor, "batch channels height width"]:
        pixels = torch.from_numpy(self._pixels[image_ids.cpu().numpy()])
        return pixels.pin_memory() if self.device.type == "cuda" else pixels
