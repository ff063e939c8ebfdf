"""The baselines that train an encoder, by name."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Int64

from scan_core.baselines.autoencoder import autoencoder
from scan_core.baselines.dac import dac
from scan_core.baselines.dec import dec
from scan_core.baselines.deepcluster import deepcluster
from scan_core.baselines.iic import iic

LEARNED: dict[str, Callable[..., Int64[np.ndarray, " images"]]] = {
    "autoencoder": autoencoder,
    "denoising_autoencoder": partial(autoencoder, variant="denoising"),
    "sparse_autoencoder": partial(autoencoder, variant="sparse"),
    "variational_autoencoder": partial(autoencoder, variant="variational"),
    "dec": dec,
    "iic": iic,
    "deepcluster": deepcluster,
    "dac": dac,
}
"""Call with :class:`scan_core.baselines.learner.Pictures` and an encoder and, by keyword, ``clusters``, ``epochs`` and
``generator``. Each trains for so many epochs, and returns the cluster of every picture.

Raises:
    DataError: fewer training images than clusters.
    TrainingError: the loss is not finite in too many steps.
"""
