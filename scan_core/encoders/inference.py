"""What a network says about many images, not augmented."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scan_core.augment.normalize import normalize
from scan_core.data.images import Images
from scan_core.runtime.precision import autocast
from scan_core.runtime.progress import track

_BATCH = 512


@torch.no_grad()
def infer(
    network: nn.Module,
    images: Images,
    image_ids: Tensor,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    precision: str,
    description: str | None = None,
) -> Float[Tensor, "*heads images outputs"]:
    """The outputs of ``network`` in evaluation mode for the images ``image_ids``: float32, on the images' device.

    Args:
        description: what to call the work in a progress bar; without it there is none.
    """
    network.eval()
    outputs = []
    batches = torch.split(image_ids, _BATCH)
    pictures = images.batches(batches)
    for pixels in (
        track(pictures, description=f"{description}, {len(image_ids):,} images in batches", total=len(batches))
        if description
        else pictures
    ):
        with autocast(images.device, precision):
            outputs.append(network(normalize(pixels, mean, std)).float())
    return torch.cat(outputs, dim=-2)
