from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from scan_core.encoders.build import (
    ENCODERS,
    Architecture,
    build_encoder,
    check_count,
    check_images,
    encoder_metadata,
)
from scan_core.errors import ArtifactError
from stages.params import EncoderParams

FILE = Path("model.safetensors")
METADATA = {
    "architecture": "resnet10", "arguments": {"width": 4, "stem": "3x3"}, "channels": 3, "image_size": 32,
    "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2], "precision": "float32",
}  # fmt: skip


def test_an_encoder_as_described():
    assert build_encoder(FILE, METADATA).features == 32  # 4 channels, doubled at three of four stages


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("architecture", "vgg"), ("architecture", []), ("channels", 2), ("arguments", None), ("arguments", {}),
        ("arguments", {"width": 0, "stem": "3x3"}), ("arguments", {"width": True, "stem": "3x3"}),
        ("arguments", {"width": 4, "stem": None}), ("arguments", {"width": 4, "stem": "3x3", "depth": 1}),
        ("image_size", 8.5), ("precision", "int3"), ("mean", [0.5]), ("mean", "x"), ("mean", [None] * 3),
        ("std", [float("nan")] * 3), ("std", [0.0] * 3),
    ],
)  # fmt: skip
def test_metadata_that_describes_no_encoder(key, value):
    with pytest.raises(ArtifactError, match=rf"model\.safetensors: {key} .* in its metadata, expected .*run dvc repro"):
        build_encoder(FILE, METADATA | {key: value})


def test_counts_and_images():
    with pytest.raises(
        ArtifactError, match="clusters -3 in its metadata, expected a whole number from 1 to 2147483647"
    ):
        check_count(FILE, {"clusters": -3}, "clusters")
    check_images(FILE, METADATA, channels=3, size=32)
    with pytest.raises(ArtifactError, match="made for 3 channels of 32 px, found 1 of 32 px in data/artifacts/images"):
        check_images(FILE, METADATA, channels=1, size=32)


def test_an_architecture_without_arguments_of_its_own(monkeypatch: pytest.MonkeyPatch):
    class Mean(nn.Module):
        features = 3

        def forward(self, images: Tensor) -> Tensor:
            return images.mean((2, 3))

    monkeypatch.setitem(ENCODERS, "mean", Architecture(lambda name, channels, image_size: Mean()))
    described = {**METADATA, **encoder_metadata("mean", {}, channels=3, image_size=32)}
    assert build_encoder(FILE, described)(torch.ones(2, 3, 32, 32)).shape == (2, 3)
    assert EncoderParams(name="mean", weights=None, resnet={"width": 4, "stem": "3x3"}).arguments() == {}
