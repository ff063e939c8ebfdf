"""Deep adaptive clustering (Chang et al., 2017): are two images of a kind? Clear pairs teach the network first."""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from scan_core.baselines.learner import Batch, Learner, Pictures
from scan_core.encoders.encoder import Encoder

LEARNING_RATE = 1e-3
LAST = 0.45
"""The value of lambda at the end: from there on, every pair would count (section 3.4)."""

Similarities = Float[Tensor, "batch batch"]


class LabelFeatures(nn.Module):
    """An encoder whose output is a vector of ``clusters`` numbers, none negative, of length 1 (Eq. 4 and 5)."""

    def __init__(self, encoder: Encoder, clusters: int) -> None:
        super().__init__()
        self.encoder, self.linear = encoder, nn.Linear(encoder.features, clusters)
        self.norm = nn.BatchNorm1d(clusters)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch clusters"]:
        outputs = self.norm(self.linear(self.encoder(images)))
        return nn.functional.normalize(torch.softmax(outputs, dim=1), dim=1)


def thresholds(progress: float) -> tuple[float, float]:
    """Return the similarities above which a pair is of a kind, and below which it is not (section 3.4).

    Args:
        progress: of the training, from 0 to 1, where both are equal.
    """
    strictness = LAST * progress
    return 0.95 - strictness, 0.455 + 0.1 * strictness


def dac_loss(learned: Similarities, decided: Similarities, *, upper: float, lower: float) -> Float[Tensor, ""]:
    """Return the cross-entropy of the pairs that are clear, in nats a pair, Eq. (7).

    Args:
        learned: cosines of label features, in [0, 1].
        decided: cosines by which pairs are chosen and called of a kind or not, Eq. (6); without gradient.
    """
    same, different = (decided > upper).float(), (decided < lower).float()
    inside = learned.clamp(1e-6, 1 - 1e-6)
    loss = -(same * inside.log() + different * (1 - inside).log())
    return loss.sum() / (same + different).sum().clamp(min=1)


def dac(
    pictures: Pictures, encoder: Encoder, *, clusters: int, epochs: int, generator: torch.Generator
) -> Int64[np.ndarray, " images"]:
    """Return the cluster of each image: the largest of its label features (section 3.5)."""
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
