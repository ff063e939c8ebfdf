"""Different operations for different images of a batch, each image paying only for its own."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

Batch = Shaped[Tensor, "batch channels height width"]


def apply_to_some(images: Batch, chosen: Bool[Tensor, " batch"], operation: Callable[[Tensor], Tensor]) -> Batch:
    """Replace the ``chosen`` images by ``operation`` of them.

    ``chosen`` belongs on the CPU: finding its rows there needs no synchronization with a GPU.
    """
    rows = chosen.nonzero().flatten().to(images.device, non_blocking=True)
    return images.index_copy(0, rows, operation(images.index_select(0, rows)))


def apply_operations(
    images: Batch,
    ids: Int[Tensor, "batch count"],
    values: Float[Tensor, "batch count"],
    operations: Sequence[Callable[[Tensor, Tensor], Tensor]],
) -> Batch:
    """Apply to each image its own sequence: ``operations[ids[i, 0]]`` first, with the strength ``values[i, 0]``.

    Each round sorts the images by their operation, so that every operation sees one contiguous piece of the batch.
    ``ids`` and ``values`` belong on the CPU: the pieces' sizes are needed there. An operation takes (images, values),
    receives the values on the CPU, and must treat each image on its own.
    """
    placed = torch.arange(len(images))
    for step in range(ids.shape[1]):
        order = ids[placed, step].argsort(stable=True)
        placed = placed[order]
        sizes = ids[placed, step].bincount(minlength=len(operations)).tolist()
        sorted_images = images.index_select(0, order.to(images.device, non_blocking=True))
        pieces = zip(
            operations, torch.split(sorted_images, sizes), torch.split(values[placed, step], sizes), strict=True
        )
        images = torch.cat([operation(piece, strength) for operation, piece, strength in pieces if len(piece)])
    return images.index_select(0, placed.argsort().to(images.device, non_blocking=True))


def per_image(values: Shaped[Tensor, " batch"], images: Batch) -> Shaped[Tensor, "batch 1 1 1"]:
    """Move one value per image to the images' device, ready to broadcast."""
    return values.to(images.device, non_blocking=True)[:, None, None, None]
