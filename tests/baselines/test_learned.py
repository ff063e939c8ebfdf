"""Every baseline that trains an encoder learns what digits are, and not where its loss is turned around."""

from functools import cache

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from scan_core.augment import batches
from scan_core.augment.pipeline import Augmentation
from scan_core.baselines import learner
from scan_core.baselines.learned import LEARNED
from scan_core.baselines.learner import Pictures
from scan_core.baselines.names import KMEANS, METHODS, SPECTRAL
from scan_core.encoders.resnet import ResNet
from scan_core.errors import DataError, TrainingError
from scan_core.evaluation.metrics import score
from scan_core.images.images import ResidentImages

COUNT = 500
DIGITS = load_digits()
PIXELS = (DIGITS.images[:COUNT, None] * 15).astype(np.uint8)
OPERATIONS = {
    "random_affine": {"degrees": 25.0, "translate": 0.1, "scale": (0.7, 1.2), "shear": 20.0},
    "color_jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.0, "hue": 0.0, "p": 0.8},
}
AUGMENTATION = Augmentation(OPERATIONS, mean=[0.3], std=[0.38])
EPOCHS = {"iic": 24, "dac": 16, "deepcluster": 16}
"""The others have 8."""


def clusters(
    method: str, *, epochs: int, fit: int = COUNT, seed: int = 0, count: int = 10, width: int = 4
) -> np.ndarray:
    torch.manual_seed(seed)
    pictures = Pictures(ResidentImages(PIXELS, torch.device("cpu")), np.arange(fit), AUGMENTATION)
    encoder = ResNet("resnet10", width=width, stem="3x3", channels=1)
    generator = torch.Generator().manual_seed(seed)
    return LEARNED[method](pictures, encoder, clusters=count, epochs=epochs, generator=generator)


def accuracy(found: np.ndarray) -> float:
    return score(found, DIGITS.target[:COUNT], cluster_count=10, class_count=10).acc


@cache
def gain(method: str) -> float:
    """How much the accuracy rises above that of the same network without training."""
    trained, random = (clusters(method, epochs=epochs, width=8) for epochs in (EPOCHS.get(method, 8), 0))
    return accuracy(trained) - accuracy(random)


LEAST = {"iic": 0.1, "deepcluster": 0.1, "dac": 0.15}
"""How much the accuracy rises at least; of the autoencoders and dec, more."""


VARIANTS = ("denoising_autoencoder", "sparse_autoencoder", "variational_autoencoder")
"""They train as the plain one does."""


@pytest.mark.parametrize(
    "method", [pytest.param(method, marks=pytest.mark.slow if method in VARIANTS else ()) for method in LEARNED]
)
def test_digits_are_told_apart(method: str):
    assert gain(method) > LEAST.get(method, 0.2)


@pytest.mark.slow  # each trains once more
@pytest.mark.parametrize("method", LEARNED)
def test_they_are_not_where_the_loss_is_turned_around(method: str, monkeypatch: pytest.MonkeyPatch):
    update = learner.update
    monkeypatch.setattr(learner, "update", lambda optimizer, loss, **rest: update(optimizer, -loss, **rest))
    gain.cache_clear()
    try:
        found = gain(method)
    except TrainingError:  # the loss has no lower end then
        found = 0.0
    finally:
        gain.cache_clear()
    assert found < LEAST.get(method, 0.2) / 2


@pytest.mark.parametrize("method", LEARNED)
def test_a_seed_repeats_itself_and_another_is_another(method: str):
    first, again, other = (clusters(method, epochs=1, fit=96, seed=seed) for seed in (0, 0, 1))
    assert first.dtype == np.int64
    assert first.shape == (COUNT,)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("method", LEARNED)
def test_batches_that_are_augmented_ahead_change_nothing(method: str, monkeypatch: pytest.MonkeyPatch):
    expected = clusters(method, epochs=1, fit=256)
    monkeypatch.setattr(batches, "STEPS_AT_ONCE", {"cpu": 3})  # as on a GPU
    assert np.array_equal(clusters(method, epochs=1, fit=256), expected)


@pytest.mark.parametrize("method", LEARNED)
def test_only_the_images_to_fit_on_are_learned_from(method: str, monkeypatch: pytest.MonkeyPatch):
    seen = clusters(method, epochs=1, fit=96)
    changed = PIXELS.copy()
    changed[96:] = 255 - changed[96:]
    monkeypatch.setattr(f"{__name__}.PIXELS", changed)
    assert np.array_equal(seen[:96], clusters(method, epochs=1, fit=96)[:96])


@pytest.mark.parametrize("method", LEARNED)
def test_fewer_distinct_images_than_clusters_are_no_error(method: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(f"{__name__}.PIXELS", PIXELS[np.arange(30) % 3])
    monkeypatch.setattr(f"{__name__}.COUNT", 30)
    assert len(clusters(method, epochs=1, fit=30)) == 30


def test_fewer_images_than_clusters_are_refused():
    with pytest.raises(DataError, match=r"^9 training images, expected at least 10; lower scan\.clusters$"):
        clusters("iic", epochs=1, fit=9)


def test_every_name_has_its_method():
    assert (KMEANS, SPECTRAL, *LEARNED) == METHODS
