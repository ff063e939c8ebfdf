"""What tests of predict share: a tiny model."""

from collections.abc import Sequence
from pathlib import Path

import torch
import typer

from scan_core.artifacts.standardization import Standardization
from scan_core.clustering.model import ClusteringModel, write_clustering
from scan_core.encoders.resnet import ResNet
from stages import predict
from stages.paths import SELF_LABEL_MODEL

SIZE, CLUSTERS = 8, 3


def write_model(channels: int = 3, *, standardize: bool = False, **further: object) -> None:
    """Write SELF_LABEL_MODEL, with random weights."""
    torch.manual_seed(0)
    encoder = ResNet("resnet10", width=2, stem="3x3", channels=channels)
    standardization = Standardization(encoder.features) if standardize else None
    if standardization is not None:
        standardization.center.normal_()
        standardization.scale.uniform_(0.5, 2)
    model = ClusteringModel(encoder, clusters=CLUSTERS, heads=1, standardization=standardization)
    described = {
        "architecture": "resnet10",
        "arguments": {"width": 2, "stem": "3x3"},
        "channels": channels,
        "image_size": SIZE,
    }
    normalization = {"mean": [0.5] * channels, "std": [0.2] * channels, "precision": "float32"}
    write_clustering(
        SELF_LABEL_MODEL, model.state_dict(), {**described, **normalization, "clusters": CLUSTERS, **further}
    )


def predict_status(pictures: Path | Sequence[Path | str], output: Path, **options: object) -> int:
    """Predict, and return the exit status."""
    given = [pictures] if isinstance(pictures, Path) else pictures
    try:
        predict.main(list(map(str, given)), output=output, **options)
    except typer.Exit as end:
        return end.exit_code
    return 0
