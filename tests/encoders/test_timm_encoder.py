import subprocess
import sys
from pathlib import Path

import pytest
import timm
import torch

from scan_core.encoders.build import build_encoder, encoder_metadata, make_encoder
from scan_core.encoders.pretext_model import PretextModel, read_pretext, write_pretext
from tests.pipeline import ROOT

NORMALIZED = {"mean": [0.5], "std": [0.2], "precision": "float32"}


@pytest.mark.parametrize(
    ("name", "image_size", "features"),
    [
        # timm's networks for tests; the second has a layer between its pooled features and its classifier
        ("test_efficientnet", 24, 256),
        ("mobilenetv3_small_050", 32, 1024),
        ("test_vit", 48, 64),
        ("test_vit.r160_in1k", 160, 64),
    ],
)
def test_features_are_those_that_come_out(name: str, image_size: int, features: int):
    encoder = make_encoder(f"timm/{name}", {}, channels=3, image_size=image_size)
    assert encoder.features == features
    assert encoder(torch.randn(2, 3, image_size, image_size)).shape == (2, features)


def test_equals_timm_s_own_network():
    encoder = make_encoder("timm/test_efficientnet", {}, channels=3, image_size=32).eval()
    theirs = timm.create_model("test_efficientnet", num_classes=0).eval()
    theirs.load_state_dict(encoder.network.state_dict())
    images = torch.randn(2, 3, 32, 32)
    assert torch.allclose(encoder(images), theirs(images), atol=1e-6)


def test_a_gray_image_is_three_equal_channels_and_the_metadata_say_one(tmp_path: Path):
    described = encoder_metadata("timm/test_vit", {}, channels=1, image_size=32)
    encoder = make_encoder("timm/test_vit", {}, channels=1, image_size=32).eval()
    gray = torch.randn(2, 1, 32, 32)
    assert torch.equal(encoder(gray), encoder.network(gray.repeat(1, 3, 1, 1)))
    assert described["channels"] == 1
    write_pretext(tmp_path / "m", PretextModel(encoder, projection=None), {**described, **NORMALIZED})
    found, metadata = read_pretext(tmp_path / "m")
    assert metadata["architecture"] == "timm/test_vit"
    assert torch.equal(found.eval()(gray), encoder(gray))


@pytest.mark.parametrize(
    ("name", "image_size", "nearest"),
    [
        ("test_vit", 41, 48),  # patches of 16
        ("test_vit", 36, 32),
        ("test_vit", 8, 16),
        ("vit_tiny_patch16_224", 225, 224),  # which timm would cut off silently
        ("efficientformer_l1", 160, 224),  # built for one size alone
    ],
)
def test_a_size_that_does_not_fit_names_the_nearest_that_does(name: str, image_size: int, nearest: int):
    with pytest.raises(ValueError, match=f"{name} takes no images of {image_size} px; the nearest .* is {nearest}$"):
        make_encoder(f"timm/{name}", {}, channels=3, image_size=image_size)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("tf_eficientnet_lite0", "near ones: tf_efficientnet_lite0, "),
        ("vit_small_patch14_dinov2.lvd142", "near ones: vit_small_patch14_dinov2.lvd142m, "),
        ("", "near ones: none"),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones(name: str, near: str):
    with pytest.raises(ValueError, match=rf"timm [\d.]+ has no network {name}; {near}"):
        make_encoder(f"timm/{name}", {}, channels=3, image_size=32)


def test_a_file_that_names_an_unknown_network(tmp_path: Path):
    described = {**encoder_metadata("timm/nothing", {}, channels=1, image_size=32), **NORMALIZED}
    with pytest.raises(Exception, match=r"arguments .*has no network nothing; near ones"):
        build_encoder(tmp_path / "m", described)


def test_timm_is_imported_where_it_is_needed_alone():
    code = "import sys, scan_core.encoders.pretext_model; sys.exit('timm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
