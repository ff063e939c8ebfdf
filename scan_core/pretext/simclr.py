"""SimCLR (Chen et al., 2020): make two augmented views of an image find each other among all others."""

from jaxtyping import Float, Int64
from torch import Tensor

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel
from scan_core.pretext.nt_xent import NtXent, chance_loss, nt_xent
from scan_core.pretext.task import Task


class SimCLR(Task):
    """An encoder with a projection head, and the loss :func:`scan_core.pretext.nt_xent.nt_xent`.

    Args:
        images: how many there are to learn from; they leave this task as it is.
        batch_size: of the whole batch, in images.
        hidden_dim, projection_dim, batch_norm: see :func:`scan_core.encoders.pretext_model.projection_head`.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        images: int,
        batch_size: int,
        temperature: float,
        hidden_dim: int,
        projection_dim: int,
        batch_norm: bool,
    ) -> None:
        head = {"hidden_dim": hidden_dim, "projection_dim": projection_dim, "batch_norm": batch_norm}
        super().__init__(PretextModel(encoder, projection=head), chance=chance_loss(batch_size))
        self._temperature = temperature

    def loss(self, projections: Float[Tensor, "views_of_part dimensions"], rows: Int64[Tensor, " batch"]) -> NtXent:
        """Both views of each image look for each other."""
        return nt_xent(*projections.chunk(2), temperature=self._temperature)
