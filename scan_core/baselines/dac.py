"""Deep adaptive clustering (Chang et al., 2017): learn whether two images are of one cluster, the clear pairs first."""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from scan_core.baselines.learner import Batch, Learner, Pictures
from scan_core.encoders.encoder import Encoder

LEARNING_RATE = 1e-3
LAST = 0.45
"""Final value of lambda, at which all pairs are selected (section 3.4)."""

Similarities = Float[Tensor, "batch batch"]


class LabelFeatures(nn.Module):
    """An encoder whose output is a non-negative unit vector with ``clusters`` dimensions (Eq. 4 and 5)."""

    def __init__(self, encoder: Encoder, clusters: int) -> None:
        super().__init__()
        self.encoder, self.linear = encoder, nn.Linear(encoder.features, clusters)
        self.norm = nn.BatchNorm1d(clusters)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch clusters"]:
        outputs = self.norm(self.linear(self.encoder(images)))
        return nn.functional.normalize(torch.softmax(outputs, dim=1), dim=1)


def thresholds(progress: float) -> tuple[float, float]:
    """Return the similarities above which a pair counts as similar, and below which as dissimilar (section 3.4).

    Args:
        progress: progress of the training, from 0 to 1; at 1, both are equal.
    """
    strictness = LAST * progress
    return 0.95 - strictness, 0.455 + 0.1 * strictness


def dac_loss(learned: Similarities, decided: Similarities, *, upper: float, lower: float) -> Float[Tensor, ""]:
    """Return the mean cross-entropy of the selected pairs, in nats, Eq. (7).

    Args:
        learned: cosines of label features, in [0, 1].
        decided: cosines that select pairs and label them as similar or dissimilar, Eq. (6); without gradient.
    """
    same, different = (decided > upper).float(), (decided < lower).float()
    inside = learned.clamp(1e-6, 1 - 1e-6)
    loss = -(same * inside.log() + different * (1 - inside).log())
    return loss.sum() / (same + different).sum().clamp(min=1)


def dac(
    pictures: Pictures, encoder: Encoder, *, clusters: int, epochs: int, generator: torch.Generator
) -> Int64[np.ndarray, " images"]:
    """Return the cluster of each image: the largest label feature (section 3.5)."""
    network = LabelFeatures(encoder, clusters)
    sizes = {"clusters": clusters, "epochs": epochs}
    learner = Learner(network, pictures, **sizes, learning_rate=LEARNING_RATE, generator=generator)
    for epoch in learner.epochs("dac"):
        upper, lower = thresholds(epoch / epochs)

        def loss(batch: Batch, upper: float = upper, lower: float = lower) -> Float[Tensor, ""]:
            features, augmented = network(torch.cat([batch.plain, batch.augmented])).chunk(2)
            decided = (features @ features.T).detach()
            return dac_loss(features @ augmented.T, decided, upper=upper, lower=lower)

        learner.run_epoch(loss)
    return pictures.outputs(network).argmax(dim=1).cpu().numpy()
