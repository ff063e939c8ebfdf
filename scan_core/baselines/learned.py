"""The baselines that train an encoder, by name."""

from functools import partial
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Int64

from scan_core.baselines.autoencoder import autoencoder
from scan_core.baselines.dac import dac
from scan_core.baselines.dec import dec
from scan_core.baselines.deepcluster import deepcluster
from scan_core.baselines.iic import iic
from scan_core.baselines.learner import Pictures
from scan_core.encoders.encoder import Encoder


class Method(Protocol):
    """Trains on pictures for ``epochs`` epochs, and returns the cluster of each.

    Raises:
        DataError: fewer training images than clusters.
        TrainingError: the loss is not finite in too many steps.
    """

    def __call__(
        self, pictures: Pictures, encoder: Encoder, *, clusters: int, epochs: int, generator: torch.Generator
    ) -> Int64[np.ndarray, " images"]: ...


LEARNED: dict[str, Method] = {
    "autoencoder": autoencoder,
    "denoising_autoencoder": partial(autoencoder, variant="denoising"),
    "sparse_autoencoder": partial(autoencoder, variant="sparse"),
    "variational_autoencoder": partial(autoencoder, variant="variational"),
    "dec": dec,
    "iic": iic,
    "deepcluster": deepcluster,
    "dac": dac,
}
