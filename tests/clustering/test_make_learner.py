from pathlib import Path

import pytest
import torch

from scan_core.artifacts.standardization import Standardization
from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.make_learner import make_learner
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.predict import probabilities
from scan_core.encoders.resnet import ResNet
from scan_core.images.images import ResidentImages

NORMALIZATION = {"mean": [0.4], "std": [0.3]}


@pytest.mark.parametrize("standardized", [False, True])
def test_heads_learn_from_cached_views_what_the_whole_model_says(
    standardized: bool, tiny_images: ResidentImages, tmp_path: Path
):
    torch.manual_seed(0)
    encoder, ids = ResNet("resnet10", width=2, stem="3x3", channels=1), torch.arange(5)
    standardization = None
    if standardized:
        standardization = Standardization(encoder.features)
        standardization.center.fill_(0.3)
        standardization.scale.copy_(torch.linspace(0.1, 2, encoder.features))
    model = ClusteringModel(encoder, clusters=3, heads=1, standardization=standardization)
    learner = make_learner(
        model,
        tiny_images,
        ids,
        Augmentation({}, **NORMALIZATION),  # without operations, all views are the image
        train_encoder=False,
        views=2,
        precision="float32",
        generator=torch.Generator().manual_seed(0),
        features=tmp_path / "features",
        stored=None,
        compile=False,
    )
    metadata = {**NORMALIZATION, "precision": "float32"}
    expected = torch.from_numpy(probabilities(model, metadata, tiny_images, ids.numpy(), description="predict"))
    (logits,) = learner.of_images()
    torch.testing.assert_close(logits.softmax(-1), expected, rtol=0, atol=2e-3)
    ((plain, augmented),) = learner.plain_and_augmented(ids[None], torch.Generator())
    torch.testing.assert_close(plain.softmax(-1), expected, rtol=0, atol=2e-3)
    torch.testing.assert_close(augmented.softmax(-1), expected, rtol=0, atol=2e-3)
