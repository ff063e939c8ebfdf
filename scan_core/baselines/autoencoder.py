"""Plain, denoising, sparse and variational autoencoders; k-means clusters their codes."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from scan_core.baselines.learner import Learner, Pictures
from scan_core.encoders.encoder import Encoder
from scan_core.kmeans.kmeans import kmeans

CODE = 10
"""Dimensions of an image's code, as in DEC (Xie et al., 2016)."""
WIDTH = 64
"""Channels of the decoder."""
LEARNING_RATE = 1e-3
MASKED = 0.3
"""Share of the pixels that are hidden from a denoising autoencoder."""
SPARSITY = 0.1
"""Target of the mean activation of each unit in a sparse autoencoder."""
SPARSITY_WEIGHT = 3.0

Codes = Float[Tensor, "batch code"]
ImageBatch = Float[Tensor, "batch channels height width"]
Scalar = Float[Tensor, ""]


class Coder(nn.Module):
    """An encoder and a linear layer with ``outputs`` outputs."""

    def __init__(self, encoder: Encoder, outputs: int) -> None:
        super().__init__()
        self.encoder, self.linear = encoder, nn.Linear(encoder.features, outputs)

    def forward(self, images: ImageBatch) -> Codes:
        return self.linear(self.encoder(images))


class Decoder(nn.Module):
    """A linear layer from codes to 4 x 4 pixels, then upsampling by two with a convolution, repeatedly."""

    def __init__(self, *, channels: int, image_size: int) -> None:
        super().__init__()
        self._size = image_size
        self.linear = nn.Linear(CODE, WIDTH * 16)
        layers: list[nn.Module] = []
        for _ in range(math.ceil(math.log2(max(4, image_size) / 4))):
            convolution = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)
            layers += [nn.Upsample(scale_factor=2), convolution, nn.BatchNorm2d(WIDTH), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(WIDTH, channels, 3, padding=1))

    def forward(self, codes: Codes) -> ImageBatch:
        pixels = self.layers(self.linear(codes).relu().view(-1, WIDTH, 4, 4))
        return pixels[..., : self._size, : self._size]


class Autoencoder(nn.Module):
    """Encodes images and reconstructs them; the loss is the squared error (Vincent et al., 2010, Eq. 2).

    Args:
        encoder: an encoder of images like ``pictures``.
    """

    outputs = CODE
    """Number of outputs of the coder."""

    def __init__(self, encoder: Encoder, pictures: Pictures) -> None:
        super().__init__()
        self.coder = Coder(encoder, self.outputs)
        self.decoder = Decoder(channels=pictures.images.channels, image_size=pictures.images.size)

    def codes(self, outputs: Float[Tensor, "images outputs"]) -> Float[Tensor, "images code"]:
        """Return the codes, given the outputs of the coder."""
        return outputs

    def loss(self, images: ImageBatch, generator: torch.Generator) -> Scalar:
        """Return the loss on normalized ``images``."""
        return reconstruction_loss(self.decoder(self.coder(images)), images)


class Denoising(Autoencoder):
    """Reconstructs whole images from images without the share ``MASKED`` of their pixels (Vincent et al., 2010, section
    3.3)."""

    def loss(self, images: ImageBatch, generator: torch.Generator) -> Scalar:
        draw = torch.rand(len(images), 1, *images.shape[2:], generator=generator).to(images.device)
        return reconstruction_loss(self.decoder(self.coder(images * (draw >= MASKED))), images)


class Sparse(Autoencoder):
    """Has codes in (0, 1) whose mean over a batch is driven to ``SPARSITY`` (Ng, 2011, "Sparse autoencoder")."""

    def codes(self, outputs: Float[Tensor, "images outputs"]) -> Float[Tensor, "images code"]:
        return outputs.sigmoid()

    def loss(self, images: ImageBatch, generator: torch.Generator) -> Scalar:
        codes = self.codes(self.coder(images))
        return reconstruction_loss(self.decoder(codes), images) + SPARSITY_WEIGHT * sparsity_penalty(codes)


class Variational(Autoencoder):
    """Predicts a normal distribution of codes; its mean is clustered (Kingma and Welling, 2014, Eq. 10)."""

    outputs = 2 * CODE

    def codes(self, outputs: Float[Tensor, "images outputs"]) -> Float[Tensor, "images code"]:
        return outputs[:, :CODE]

    def loss(self, images: ImageBatch, generator: torch.Generator) -> Scalar:
        mean, log_variance = self.coder(images).chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=generator).to(mean.device)
        decoded = self.decoder(mean + (log_variance / 2).exp() * noise)
        return reconstruction_loss(decoded, images) + kl_to_standard_normal(mean, log_variance)


VARIANTS = {"plain": Autoencoder, "denoising": Denoising, "sparse": Sparse, "variational": Variational}


def reconstruction_loss(decoded: ImageBatch, images: ImageBatch) -> Scalar:
    """Return half the squared error of an image, averaged over the batch: up to a constant, the negative log-likelihood
    in nats under a normal distribution of variance 1 around each pixel of ``decoded``."""
    return F.mse_loss(decoded, images, reduction="sum") / (2 * len(images))


def sparsity_penalty(codes: Codes, target: float = SPARSITY) -> Scalar:
    """Return the sum over units of KL(``target`` || mean activation), in nats (Ng, 2011, section 3).

    Args:
        codes: in (0, 1).
    """
    mean = codes.mean(dim=0).clamp(1e-6, 1 - 1e-6)
    return (target * (target / mean).log() + (1 - target) * ((1 - target) / (1 - mean)).log()).sum()


def kl_to_standard_normal(mean: Codes, log_variance: Codes) -> Scalar:
    """Return KL(N(mean, variance) || N(0, 1)) in nats, averaged over the batch (Kingma and Welling, 2014, appendix
    B)."""
    return (mean.square() + log_variance.exp() - log_variance - 1).sum() / (2 * len(mean))


def train_autoencoder(
    variant: str,
    pictures: Pictures,
    encoder: Encoder,
    *,
    clusters: int,
    epochs: int,
    generator: torch.Generator,
) -> Autoencoder:
    """Return an autoencoder, one of ``VARIANTS``, trained on ``pictures``."""
    network = VARIANTS[variant](encoder, pictures)
    sizes = {"clusters": clusters, "epochs": epochs}
    learner = Learner(network, pictures, **sizes, learning_rate=LEARNING_RATE, generator=generator)
    noise = torch.Generator().manual_seed(generator.initial_seed() + 1)  # on a GPU, batches are drawn ahead
    for _ in learner.epochs(f"{variant} autoencoder"):
        learner.run_epoch(lambda batch: network.loss(batch.plain, noise))
    return network


def autoencoder(
    pictures: Pictures,
    encoder: Encoder,
    *,
    clusters: int,
    epochs: int,
    generator: torch.Generator,
    variant: str = "plain",
) -> Int64[np.ndarray, " images"]:
    """Return the cluster of each image: k-means on the codes of an autoencoder, one of ``VARIANTS``."""
    network = train_autoencoder(variant, pictures, encoder, clusters=clusters, epochs=epochs, generator=generator)
    codes = network.codes(pictures.outputs(network.coder)).cpu().numpy()
    return kmeans(codes, fit_ids=pictures.fit_ids, clusters=clusters, seed=generator.initial_seed())
