"""What tests of predict share: a tiny model."""

import torch

from scan_core.clustering.model import ClusteringModel, write_clustering
from scan_core.encoders.resnet import ResNet
from stages.paths import SELF_LABEL_MODEL

SIZE, CLUSTERS = 8, 3


def write_model(channels: int = 3, **further: object) -> None:
    """Write SELF_LABEL_MODEL, with random weights."""
    torch.manual_seed(0)
    model = ClusteringModel(ResNet("resnet10", width=2, stem="3x3", channels=channels), clusters=CLUSTERS, heads=1)
    encoder = {
        "architecture": "resnet10",
        "arguments": {"width": 2, "stem": "3x3"},
        "channels": channels,
        "image_size": SIZE,
    }
    normalization = {"mean": [0.5] * channels, "std": [0.2] * channels, "precision": "float32"}
    write_clustering(
        SELF_LABEL_MODEL, model.state_dict(), {**encoder, **normalization, "clusters": CLUSTERS, **further}
    )
