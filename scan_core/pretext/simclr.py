"""SimCLR (Chen et al., 2020): two augmented views of an image are to be nearer to each other than to other images'."""

from typing import Any

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel
from scan_core.pretext.nt_xent import NtXent, chance_loss, nt_xent
from scan_core.pretext.task import Projections, Rows, Task


class SimCLR(Task):
    """An encoder with a projection head, and the loss :func:`scan_core.pretext.nt_xent.nt_xent`.

    Args:
        images: number of training images; not used by this task.
        batch_size: images in a batch, over all processes.
        head: the arguments of :func:`scan_core.encoders.pretext_model.projection_head`.
    """

    def __init__(self, encoder: Encoder, *, images: int, batch_size: int, temperature: float, **head: Any) -> None:
        super().__init__(PretextModel(encoder, projection=head), chance=chance_loss(batch_size))
        self._temperature = temperature

    def loss(self, projections: Projections, rows: Rows) -> NtXent:
        """Return the loss, with both views of each image as anchors, and the accuracy."""
        return nt_xent(*projections.chunk(2), temperature=self._temperature)
