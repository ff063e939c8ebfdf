"""SimCLR (Chen et al., 2020): make two augmented views of an image find each other among all others."""

from typing import Any

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel
from scan_core.pretext.nt_xent import NtXent, chance_loss, nt_xent
from scan_core.pretext.task import Projections, Rows, Task


class SimCLR(Task):
    """An encoder with a projection head, and the loss :func:`scan_core.pretext.nt_xent.nt_xent`.

    Args:
        images: how many there are to learn from; they leave this task as it is.
        batch_size: of the whole batch, in images.
        head: the arguments of :func:`scan_core.encoders.pretext_model.projection_head`.
    """

    def __init__(self, encoder: Encoder, *, images: int, batch_size: int, temperature: float, **head: Any) -> None:
        super().__init__(PretextModel(encoder, projection=head), chance=chance_loss(batch_size))
        self._temperature = temperature

    def loss(self, projections: Projections, rows: Rows) -> NtXent:
        """Both views of each image look for each other."""
        return nt_xent(*projections.chunk(2), temperature=self._temperature)
