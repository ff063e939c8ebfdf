import math

import numpy as np
import pytest
import torch

from scan_core.augment.pipeline import Augmentation
from scan_core.baselines.autoencoder import (
    CODE,
    VARIANTS,
    Decoder,
    kl_to_standard_normal,
    reconstruction_loss,
    sparsity_penalty,
)
from scan_core.baselines.learner import Pictures
from scan_core.encoders.resnet import ResNet
from scan_core.images.images import ResidentImages


def test_half_the_squared_error_of_an_image():
    images = torch.zeros(2, 1, 2, 2)
    decoded = torch.stack([torch.ones(1, 2, 2), torch.full((1, 2, 2), 2.0)])
    # (4 x 1 + 4 x 4) / 2 = 10 of two images.
    assert reconstruction_loss(decoded, images).item() == pytest.approx(5)


def test_units_that_are_on_half_the_time_are_not_sparse():
    codes = torch.tensor([[0.25, 0.1], [0.75, 0.1]])
    # The first unit: 0.1 log(0.1 / 0.5) + 0.9 log(0.9 / 0.5); the second one is as it should be.
    expected = 0.1 * math.log(0.2) + 0.9 * math.log(1.8)
    assert sparsity_penalty(codes, target=0.1).item() == pytest.approx(expected, rel=1e-5)


def test_the_divergence_of_normal_distributions():
    # KL(N(1, e^2) || N(0, 1)) = (1 + e^2 - 2 - 1) / 2, that of N(0, 1) nothing.
    mean, log_variance = torch.tensor([[1.0], [0.0]]), torch.tensor([[2.0], [0.0]])
    expected = (math.exp(2) - 2) / 2 / 2
    assert kl_to_standard_normal(mean, log_variance).item() == pytest.approx(expected)


@pytest.mark.parametrize("size", [4, 8, 20, 32])
def test_the_decoder_draws_images_of_their_size(size: int):
    assert Decoder(channels=3, image_size=size)(torch.zeros(2, CODE)).shape == (2, 3, size, size)


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses_of_what_is_coded(variant: str):
    """The plain one draws no random numbers; the codes of all are as wide."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 1, 8, 8), dtype=np.uint8)
    pictures = Pictures(
        ResidentImages(pixels, torch.device("cpu")), np.arange(4), Augmentation({}, mean=[0.5], std=[0.25])
    )
    torch.manual_seed(0)
    network = VARIANTS[variant](ResNet("resnet10", width=4, stem="3x3", channels=1), pictures)
    images = (torch.from_numpy(pixels) / 255 - 0.5) / 0.25
    losses = [network.loss(images, torch.Generator().manual_seed(seed)).item() for seed in (0, 0, 1)]
    assert losses[0] == losses[1]
    assert (losses[0] == losses[2]) == (variant in ("plain", "sparse"))
    codes = network.codes(network.coder(images))
    assert codes.shape == (4, CODE)
    if variant == "sparse":
        assert ((codes > 0) & (codes < 1)).all()
