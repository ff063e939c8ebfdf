"""Run a network on many images without augmentation."""

import time
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from scan_core.augment.normalize import normalize
from scan_core.console.progress import track
from scan_core.images.images import Images
from scan_core.machine.cpu_threads import FittingThreads
from scan_core.parallel.distributed import gather, part_of_batch, processes
from scan_core.training.precision import autocast
from scan_core.training.resume import SHARE_OF_TIME

MOST = 512
"""Largest number of images in a batch."""
PIXELS_ON_CPU = 2**18
"""Pixels of a batch on a CPU, so that activations stay in its caches. EfficientNet-Lite0 at 128 px does 164 images/s on
one core in batches of 16, 147 in batches of 8, 107 of 64, and 69 of 256."""

SAVE_SECONDS = 60.0
"""Time from one call of ``save`` to the next: about the most work that a kill loses. If calls take long, it is more, so
that they take at most ``SHARE_OF_TIME``."""


@torch.no_grad()
def infer(
    network: nn.Module,
    images: Images,
    image_ids: Tensor,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    precision: str,
    whole_batches: bool = False,
    description: str | None = None,
    save: Callable[[Float[Tensor, "*heads done outputs"]], None] | None = None,
) -> Float[Tensor, "*heads images outputs"]:
    """Return the outputs of ``network``, in evaluation mode, for ``image_ids``: float32, on the images' device.

    Several processes share the work; each returns all outputs.

    Args:
        whole_batches: whether to fill up the last batch with copies of the last image. The output of an image then
            has the same bits whatever the number of images; otherwise the order of sums depends on the batch's size.
        description: the title of the progress bar; None shows no bar. With it, the work may be long, and the number of
            threads follows what else keeps the CPU busy.
        save: called about every ``SAVE_SECONDS`` with the outputs so far, those of the first images. For a single
            process only.
    """
    network.eval()
    outputs = []
    size = _batch_size(images)
    (part,) = part_of_batch(_filled_up(image_ids, multiple=processes())[None])
    batches = torch.split(_filled_up(part, multiple=size) if whole_batches else part, size)
    pictures = images.batches(batches)
    if description:
        pictures = track(pictures, description=description, total=len(batches), unit="batches")
        pictures = FittingThreads(images.device).watch(pictures)
    due = time.monotonic() + SAVE_SECONDS
    for pixels in pictures:
        with autocast(images.device, precision):
            outputs.append(network(normalize(pixels, mean, std)).float())
        if save and (started := time.monotonic()) >= due:
            save(torch.cat(outputs, dim=-2)[..., : len(image_ids), :])
            finished = time.monotonic()
            due = finished + max(SAVE_SECONDS, (finished - started) / SHARE_OF_TIME)
    together = gather(torch.cat(outputs, dim=-2).movedim(-2, 0)[: len(part)])
    return together[: len(image_ids)].movedim(0, -2).contiguous()


def _batch_size(images: Images) -> int:
    if images.device.type != "cpu":
        return MOST
    return min(MOST, max(1, PIXELS_ON_CPU // images.size**2))


def _filled_up(image_ids: Int64[Tensor, " images"], *, multiple: int) -> Int64[Tensor, " more"]:
    """Repeat the last image until ``multiple`` divides their number."""
    return torch.cat([image_ids, image_ids[-1:].expand(-len(image_ids) % multiple)])
