"""Deep embedded clustering (Xie et al., 2016): codes move towards the centers that they are already close to."""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from scan_core.baselines.autoencoder import Coder, train_autoencoder
from scan_core.baselines.learner import Batch, Learner, Pictures
from scan_core.encoders.encoder import Encoder
from scan_core.kmeans.kmeans import kmeans

LEARNING_RATE = 1e-4
STOP = 0.001
"""Training ends when less than this share of the images changes its cluster in an epoch (section 4.3)."""

Shares = Float[Tensor, "images clusters"]


def soft_assignment(codes: Float[Tensor, "images code"], centers: Float[Tensor, "clusters code"]) -> Shares:
    """Return the soft assignment of each code: Student's t with one degree of freedom, Eq. (1)."""
    kernel = 1 / (1 + (codes[:, None] - centers).square().sum(dim=2))
    return kernel / kernel.sum(dim=1, keepdim=True)


def target_distribution(shares: Shares) -> Shares:
    """Return sharper assignments, normalized by the clusters' frequencies, Eq. (3)."""
    weights = shares.square() / shares.sum(dim=0)
    return weights / weights.sum(dim=1, keepdim=True)


def dec_loss(target: Shares, shares: Shares) -> Float[Tensor, ""]:
    """Return KL(``target`` || ``shares``) in nats, Eq. (2), averaged over the images."""
    return (target * (target.clamp(min=1e-12) / shares).log()).sum(dim=1).mean()


class Clusterer(nn.Module):
    """A coder and cluster centers among its codes."""

    def __init__(self, coder: Coder, centers: Float[Tensor, "clusters code"]) -> None:
        super().__init__()
        self.coder, self.centers = coder, nn.Parameter(centers)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Shares:
        return soft_assignment(self.coder(images), self.centers)


def dec(
    pictures: Pictures, encoder: Encoder, *, clusters: int, epochs: int, generator: torch.Generator
) -> Int64[np.ndarray, " images"]:
    """Return the cluster of each image.

    Args:
        epochs: epochs of the denoising autoencoder, and upper limit of those of the clustering after it.
    """
    lengths = {"clusters": clusters, "epochs": epochs}
    pretrained = train_autoencoder("denoising", pictures, encoder, **lengths, generator=generator)
    codes = pictures.outputs(pretrained.coder)
    first = kmeans(codes.cpu().numpy(), fit_ids=pictures.fit_ids, clusters=clusters, seed=generator.initial_seed())
    fit_ids = torch.from_numpy(pictures.fit_ids).to(codes.device)
    assigned = torch.from_numpy(first).to(codes.device)[fit_ids]
    members = F.one_hot(assigned, clusters).T.to(codes)
    centers = members @ codes[fit_ids] / members.sum(1, keepdim=True).clamp(min=1)  # equal codes leave clusters empty

    network = Clusterer(pretrained.coder, centers)
    learner = Learner(network, pictures, **lengths, learning_rate=LEARNING_RATE, generator=generator)
    for epoch in learner.epochs("dec"):
        shares = pictures.outputs(network)[fit_ids]
        before, assigned = assigned, shares.argmax(dim=1)
        if epoch and float((before != assigned).float().mean()) < STOP:
            break
        sharper = target_distribution(shares)

        def loss(batch: Batch, target: Tensor = sharper) -> Float[Tensor, ""]:
            return dec_loss(target[batch.rows], network(batch.plain))

        learner.run_epoch(loss)
    return pictures.outputs(network).argmax(dim=1).cpu().numpy()
