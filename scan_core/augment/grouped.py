"""Apply different operations to different images of a batch, without computing any of them for all images."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

Batch = Shaped[Tensor, "batch channels height width"]


def apply_to_some(images: Batch, chosen: Bool[Tensor, " batch"], operation: Callable[[Tensor], Tensor]) -> Batch:
    """Replace the ``chosen`` images by the result of ``operation``.

    Keep ``chosen`` on the CPU: on a GPU, finding its rows would need a synchronization with the host.
    """
    rows = chosen.nonzero().flatten().to(images.device, non_blocking=True)
    return images.index_copy(0, rows, operation(images.index_select(0, rows)))


def apply_operations(
    images: Batch,
    ids: Int[Tensor, "batch count"],
    values: Float[Tensor, "batch count *more"],
    operations: Sequence[Callable[[Tensor, Tensor], Tensor] | None],
) -> Batch:
    """Apply to each image its own sequence: ``operations[ids[i, 0]]`` first, with the settings ``values[i, 0]``.

    Each of the ``count`` rounds sorts the images by operation, and calls each operation once, with its images. Keep
    ``ids`` and ``values`` on the CPU, where the groups' sizes are needed. An operation takes (images, values on the
    CPU), may overwrite its images, and must treat each image separately; None changes nothing.
    """
    placed = torch.arange(len(images))
    groups, spare = torch.empty_like(images), torch.empty_like(images)  # reused in all rounds
    for step in range(ids.shape[1]):
        order = ids[placed, step].argsort(stable=True)
        placed = placed[order]
        sizes = ids[placed, step].bincount(minlength=len(operations)).tolist()
        torch.index_select(images, 0, order.to(images.device, non_blocking=True), out=groups)
        pieces = zip(operations, torch.split(groups, sizes), torch.split(values[placed, step], sizes), strict=True)
        for operation, piece, some in pieces:
            if operation and len(piece) and (result := operation(piece, some)) is not piece:
                piece.copy_(result)
        images, groups, spare = groups, spare, groups
    return torch.index_select(images, 0, placed.argsort().to(images.device, non_blocking=True), out=groups)


def per_image(values: Shaped[Tensor, " batch"], images: Batch) -> Shaped[Tensor, "batch 1 1 1"]:
    """Move one value per image to the images' device, ready to broadcast."""
    return values.to(images.device, non_blocking=True)[:, None, None, None]
