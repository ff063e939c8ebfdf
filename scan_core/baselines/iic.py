"""Invariant information clustering (Ji et al., 2019): maximize the mutual information of two views' clusters."""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from scan_core.baselines.learner import Batch, Learner, Pictures
from scan_core.encoders.encoder import Encoder

HEADS = 5
"""Number of heads, and of further heads for overclustering (section 4.1); the head with the lowest loss is taken."""
FINER = 5
"""Clusters of an overclustering head per cluster; they help the encoder (section 3.2)."""
LEARNING_RATE = 1e-3


def iic_loss(
    first: Float[Tensor, "heads batch clusters"], second: Float[Tensor, "heads batch clusters"]
) -> Float[Tensor, " heads"]:
    """Return the negative mutual information of two views' clusters, Eq. (3), with the symmetric joint distribution of
    Eq. (2).

    Args:
        first, second: log-probabilities.

    Returns:
        In nats, from -log(clusters) (views agree, and clusters have equal size) to 0.
    """
    joint = first.exp().transpose(1, 2) @ second.exp() / first.shape[1]
    joint = ((joint + joint.transpose(1, 2)) / 2).clamp(min=torch.finfo(joint.dtype).eps)
    rows, columns = joint.sum(dim=2, keepdim=True), joint.sum(dim=1, keepdim=True)
    return -(joint * (joint.log() - rows.log() - columns.log())).sum(dim=(1, 2))


class Heads(nn.Module):
    """An encoder with ``HEADS`` linear heads for ``clusters``, and as many for overclustering."""

    def __init__(self, encoder: Encoder, clusters: int) -> None:
        super().__init__()
        self.encoder, self.linear = encoder, nn.Linear(encoder.features, HEADS * clusters)
        self.finer = nn.Linear(encoder.features, HEADS * clusters * FINER)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "heads batch clusters"]:
        """Return the log-probabilities of the clusters."""
        return self._split(self.linear(self.encoder(images)))

    def both(self, images: Float[Tensor, "batch channels height width"]) -> tuple[Tensor, Tensor]:
        """Return the log-probabilities of the clusters, and those of overclustering."""
        features = self.encoder(images)
        return self._split(self.linear(features)), self._split(self.finer(features))

    def _split(self, logits: Float[Tensor, "batch outputs"]) -> Float[Tensor, "heads batch clusters"]:
        return F.log_softmax(logits.view(len(logits), HEADS, -1), dim=2).transpose(0, 1)


def iic(
    pictures: Pictures, encoder: Encoder, *, clusters: int, epochs: int, generator: torch.Generator
) -> Int64[np.ndarray, " images"]:
    """Return the cluster of each image, by the head with the lowest loss in the last epoch."""
    network = Heads(encoder, clusters)
    sizes = {"clusters": clusters, "epochs": epochs, "views": 2}
    learner = Learner(network, pictures, **sizes, learning_rate=LEARNING_RATE, generator=generator)
    of_heads = torch.zeros(HEADS, device=pictures.images.device)

    def loss(batch: Batch) -> Float[Tensor, ""]:
        pairs = network.both(batch.augmented)
        coarse, finer = (iic_loss(*said.chunk(2, dim=1)) for said in pairs)
        of_heads.add_(coarse.detach())
        return coarse.mean() + finer.mean()

    for _ in learner.epochs("iic"):
        of_heads.zero_()
        learner.run_epoch(loss)
    return pictures.outputs(network)[of_heads.argmin()].argmax(dim=1).cpu().numpy()
