"""RotNet (Gidaris et al., 2018): predict by which angle an image was rotated."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel
from scan_core.parallel.distributed import average
from scan_core.pretext.task import Projections, Rows, Scalar, Task

TURNS = 4
"""Rotations: by 0, 90, 180 and 270 degrees."""


def turned(images: Float[Tensor, "batch channels size size"]) -> Float[Tensor, "four_batches channels size size"]:
    """Return the images, then the images rotated counterclockwise by 90, 180 and 270 degrees."""
    return torch.cat([images.rot90(turns, (2, 3)) for turns in range(TURNS)])


def rotation_loss(logits: Float[Tensor, "four_batches turns"]) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Return the cross-entropy of the rotations, in nats, and the accuracy.

    Args:
        logits: those of the images, in the order of :func:`turned`.
    """
    turns = torch.arange(TURNS, device=logits.device).repeat_interleave(len(logits) // TURNS)
    return F.cross_entropy(logits.float(), turns), (logits.argmax(dim=1) == turns).float().mean()


class RotNet(Task):
    """A linear layer after the encoder predicts the rotation of an image.

    A batch holds all four rotations of each image, as in the paper, so a step computes four views of it. The projection
    has only four dimensions, the logits of the rotations: take the encoder's features (``embed.layer: backbone``) as
    embeddings.

    Args:
        images, batch_size: not used by this task.
    """

    views = 1

    def __init__(self, encoder: Encoder, *, images: int, batch_size: int) -> None:
        head = {"hidden_dim": None, "projection_dim": TURNS, "batch_norm": False}
        super().__init__(PretextModel(encoder, projection=head), chance=math.log(TURNS))

    def project(
        self, network: nn.Module, views: Float[Tensor, "part channels size size"]
    ) -> Float[Tensor, "four_parts turns"]:
        """Return the logits of all four rotations of each image."""
        return network(turned(views))

    def loss(self, projections: Projections, rows: Rows) -> tuple[Scalar, Scalar]:
        """Return the cross-entropy of the rotations, and the share that is predicted correctly."""
        loss, accuracy = rotation_loss(projections)
        return average(loss), accuracy
