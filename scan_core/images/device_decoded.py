"""Images whose JPEG files are decoded by the GPU: faster, with other rounding than on the CPU."""

import warnings
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Int64, UInt8
from torch import Tensor

from scan_core.artifacts.shards import Shards
from scan_core.images.decode import JPEG
from scan_core.images.images import Images
from scan_core.images.stored import decode_stored
from scan_core.parallel.threads import ordered_map


class DeviceDecodedImages(Images):
    """Images in shards, read by ``workers`` threads; JPEG files are decoded, resized and cropped on ``device``."""

    def __init__(self, shards: Shards, device: torch.device, *, workers: int) -> None:
        channels, size = shards.format
        super().__init__((len(shards), channels, size, size), device)
        self._shards, self._workers = shards, workers

    def batches(self, image_ids: Sequence[Int64[Tensor, " _"]]) -> Iterator[UInt8[Tensor, "_ channels height width"]]:
        for ids, files in ordered_map(self._read, image_ids, chunk=1, workers=self._workers):
            jpegs = iter(decode_jpegs([file for file in files if file.startswith(JPEG)], self.device))
            yield torch.stack(
                [
                    resize_and_crop_on_device(next(jpegs), self.size)
                    if file.startswith(JPEG)
                    else torch.from_numpy(decode_stored(file, image_id, size=self.size)).to(self.device)
                    for image_id, file in zip(ids, files, strict=True)
                ]
            )

    def _read(self, image_ids: Int64[Tensor, " _"]) -> tuple[list[int], list[bytes]]:
        ids = image_ids.tolist()
        return ids, [self._shards.read(image_id) for image_id in ids]


def decode_jpegs(files: Sequence[bytes], device: torch.device) -> list[UInt8[Tensor, "3 _ _"]]:
    """The pictures in ``files``, decoded together on ``device``; no file, no picture."""
    with warnings.catch_warnings():  # torchvision announces that another package will do this one day
        warnings.simplefilter("ignore", DeprecationWarning)
        from torchvision.io import ImageReadMode, decode_jpeg

        tensors = [torch.frombuffer(bytearray(file), dtype=torch.uint8) for file in files]
        return decode_jpeg(tensors, mode=ImageReadMode.RGB, device=device) if tensors else []


def resize_and_crop_on_device(image: UInt8[Tensor, "3 height width"], size: int) -> UInt8[Tensor, "3 size size"]:
    """As :func:`scan_core.images.resize.resize_and_crop`, up to rounding and to the square's edges."""
    _, height, width = image.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[None, :, top : top + side, left : left + side].float()
    if side != size:
        square = F.interpolate(square, (size, size), mode="bilinear", antialias=True)
    return square[0].round().clamp(0, 255).to(torch.uint8)
