"""Images that are decoded each time they are needed, with bounded read-ahead, while a network looks at those before."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from scan_core.images.images import Images
from scan_core.parallel.threads import ordered_map

TASK_BYTES = 2**18
"""Decoded bytes, about, in one task of a thread."""


class _Task(NamedTuple):
    image_ids: list[int]
    rows: UInt8[Tensor, "images channels height width"]
    """The part of ``batch`` that receives them."""
    batch: UInt8[Tensor, "batch channels height width"]
    last: bool
    """Whether this part completes the batch."""


class DecodedImages(Images):
    """Images that ``workers`` threads decode.

    Args:
        shape: [N, C, S, S]
    """

    def __init__(self, shape: Sequence[int], device: torch.device, *, workers: int) -> None:
        super().__init__(shape, device)
        self._workers = workers

    @abstractmethod
    def pixels(self, image_id: int) -> npt.NDArray[np.uint8]:
        """Decode one image to [C, S, S]; several threads call it at once."""

    def batches(self, image_ids: Sequence[Int64[Tensor, " _"]]) -> Iterator[UInt8[Tensor, "_ channels height width"]]:
        step = max(1, TASK_BYTES // (self.channels * self.size**2))
        two_batches = 2 * -(-len(image_ids[0]) // step)
        tasks = self._tasks(image_ids, step)
        for task in ordered_map(self._decode, tasks, chunk=1, workers=self._workers, ahead=two_batches):
            if task.last:
                yield task.batch.to(self.device, non_blocking=True)

    def _tasks(self, batches: Sequence[Int64[Tensor, " _"]], step: int) -> Iterator[_Task]:
        for ids in batches:
            pinned = self.device.type == "cuda"
            batch = torch.empty(len(ids), self.channels, self.size, self.size, dtype=torch.uint8, pin_memory=pinned)
            for start in range(0, len(ids), step):
                stop = start + step
                yield _Task(ids[start:stop].tolist(), batch[start:stop], batch, last=stop >= len(ids))

    def _decode(self, task: _Task) -> _Task:
        for image_id, row in zip(task.image_ids, task.rows, strict=True):
            row.numpy()[:] = self.pixels(image_id)
        return task
