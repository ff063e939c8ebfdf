"""The images of the shards on disk, decoded each time they are needed."""

import numpy as np
import numpy.typing as npt
import torch

from scan_core.artifacts.shards import Shards
from scan_core.images.decoded import DecodedImages
from scan_core.images.stored import decode_stored


class StreamedImages(DecodedImages):
    """Images in shards, decoded by ``workers`` threads."""

    def __init__(self, shards: Shards, device: torch.device, *, workers: int) -> None:
        channels, size = shards.format.channels, shards.format.image_size
        super().__init__((len(shards), channels, size, size), device, workers=workers)
        self._shards = shards

    def pixels(self, image_id: int) -> npt.NDArray[np.uint8]:
        return decode_stored(self._shards.read(image_id), image_id, self._shards.format)
