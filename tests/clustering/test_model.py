"""A model whose encoder is frozen holds its heads, and belongs to one encoder."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scan_core.artifacts.features import write_features
from scan_core.artifacts.model import checksum, read_model
from scan_core.artifacts.standardization import Standardization
from scan_core.clustering.model import FROZEN, ClusteringModel, read_clustering, write_clustering
from scan_core.clustering.predict import predict, probabilities
from scan_core.encoders.inference import infer
from scan_core.encoders.pretext_model import PretextModel, write_pretext
from scan_core.encoders.resnet import ResNet
from scan_core.errors import ArtifactError
from scan_core.images.images import ResidentImages

METADATA: dict[str, Any] = {
    "architecture": "resnet10",
    "arguments": {"width": 2, "stem": "3x3"},
    "channels": 1,
    "image_size": 8,
    "mean": [0.4],
    "std": [0.3],
    "precision": "float32",
}


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A pretext model's file."""
    return write_encoder(tmp_path / "encoder.safetensors", seed=0)


def write_encoder(path: Path, *, seed: int) -> Path:
    torch.manual_seed(seed)
    write_pretext(path, PretextModel(ResNet("resnet10", width=2, stem="3x3", channels=1), projection=None), METADATA)
    return path


@pytest.fixture
def frozen(tmp_path: Path, encoder: Path) -> tuple[Path, ClusteringModel]:
    """A model of that encoder, with heads on standardized features, and its file."""
    made = ResNet("resnet10", width=2, stem="3x3", channels=1)
    weights, _ = read_model(encoder)
    made.load_state_dict({name.removeprefix("encoder."): value for name, value in weights.items()})
    standardization = Standardization(made.features)
    standardization.center.fill_(0.3)
    standardization.scale.fill_(0.1)
    model = ClusteringModel(made, clusters=3, heads=1, standardization=standardization).eval()
    path = tmp_path / "model.safetensors"
    write_clustering(path, model.state_dict(), {**METADATA, "clusters": 3, FROZEN: checksum(encoder)})
    return path, model


def test_there_and_back_without_the_encoder_in_the_file(frozen: tuple[Path, ClusteringModel], encoder: Path):
    path, model = frozen
    assert set(read_model(path)[0]) == {
        "heads.weight",
        "heads.bias",
        "standardization.center",
        "standardization.scale",
    }
    read, _ = read_clustering(path, encoder=encoder)
    assert all(torch.equal(value, read.state_dict()[name]) for name, value in model.state_dict().items())


def test_another_encoder_and_none_are_refused_in_one_line(frozen: tuple[Path, ClusteringModel], encoder: Path):
    expected = checksum(encoder)[:12]
    write_encoder(encoder, seed=1)
    with pytest.raises(ArtifactError, match=f"SHA-256 {expected}, found {checksum(encoder)[:12]} at .*; put that") as e:
        read_clustering(frozen[0], encoder=encoder)
    assert "\n" not in str(e.value)
    encoder.unlink()
    with pytest.raises(ArtifactError, match=f"SHA-256 {expected}, found no file at .*encoder.safetensors"):
        read_clustering(frozen[0], encoder=encoder)


def test_stored_features_give_what_the_images_give(
    frozen: tuple[Path, ClusteringModel], encoder: Path, tiny_images: ResidentImages, tmp_path: Path
):
    path, model = frozen
    everything = torch.arange(len(tiny_images))
    given = infer(model.get_submodule("encoder"), tiny_images, everything, mean=[0.4], std=[0.3], precision="float32")
    write_features(tmp_path / "features.npy", given.numpy())
    ids = np.array([7, 0, 23])
    stored = predict(path, tiny_images, ids, encoder=encoder, features=tmp_path / "features.npy")
    by_hand = ((given - 0.3) / 0.1) @ model.heads.weight[0].T + model.heads.bias[0]
    np.testing.assert_allclose(stored, by_hand.softmax(-1).detach()[ids], rtol=1e-5)
    read, metadata = read_clustering(path, encoder=encoder)
    seen = probabilities(read, metadata, tiny_images, ids, description="predict")
    np.testing.assert_allclose(seen, stored, rtol=1e-4)
