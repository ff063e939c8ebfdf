from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file

from scan_core.artifacts.model import checksum
from scan_core.encoders.build import encoder_metadata, make_encoder
from scan_core.encoders.pretext_model import PretextModel, write_pretext
from scan_core.encoders.pretrained import IMAGENET, start_from
from scan_core.errors import WeightsError

RESNET = {"width": 64, "stem": "7x7-pool"}
SMALL = {"width": 4, "stem": "3x3"}


def described(name: str = "resnet18", arguments: dict[str, Any] = RESNET) -> dict[str, object]:
    return {"architecture": name, "arguments": arguments}


def resnet18(channels: int = 3):
    return make_encoder("resnet18", RESNET, channels=channels, image_size=32)


def own_weights() -> dict[str, torch.Tensor]:
    """As torchvision names them, with its classifier ``fc``."""
    return torchvision.models.resnet18().state_dict()


def wrapped(how: str, weights: dict[str, torch.Tensor]) -> dict[str, Any]:
    """As different programs save a network's weights."""
    fake = {name: value + 1 for name, value in weights.items()}
    return {
        "as they are": weights,
        "lightning": {"state_dict": {f"backbone.{name}": value for name, value in weights.items()}, "epoch": 3},
        "dino": {"student": fake, "teacher": {f"module.backbone.{name}": value for name, value in weights.items()}},
        "moco": {
            "state_dict": {
                **{f"module.encoder_q.{name}": value for name, value in weights.items()},
                **{f"module.encoder_k.{name}": value for name, value in fake.items()},
                "module.queue": torch.zeros(2),
            }
        },
        "before batches were counted": {name: value for name, value in weights.items() if "num_batches" not in name},
        "without a head": {name: value for name, value in weights.items() if not name.startswith("fc.")},
    }[how]


@pytest.mark.parametrize(
    "how", ["as they are", "lightning", "dino", "moco", "before batches were counted", "without a head"]
)
def test_wrappings_are_taken_off(how: str, tmp_path: Path):
    weights, encoder, path = own_weights(), resnet18(), tmp_path / "file.pth"
    torch.save(wrapped(how, weights), path)
    start = start_from(encoder, path, described=described(), channels=3)
    found = encoder.state_dict()
    assert all(torch.equal(found[name], weights[name]) for name in found)
    digest = checksum(path)
    assert start == (f"what its file was (file.pth, sha256 {digest[:12]})", IMAGENET, digest)


def test_a_head_left_over_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    torch.save(wrapped("moco", own_weights()), tmp_path / "file.pth")
    start_from(resnet18(), tmp_path / "file.pth", described=described(), channels=3)
    # fc.weight and fc.bias; 122 weights of the other encoder, and the queue
    assert capsys.readouterr().err == (
        "file.pth: 120 weights are loaded; left out: fc.weight, fc.bias, module.encoder_k.conv1.weight and 122 more\n"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layer4.1.bn2.weight": None}, "does not fit the network: missing: layer4.1.bn2.weight"),
        ({"extra.weight": torch.zeros(1)}, "left over: extra.weight"),
        ({"conv1.weight": torch.zeros(64, 1, 7, 7)}, r"of another shape: conv1.weight \(64, 1, 7, 7\) for \(64, 3, 7"),
        ({"bn1.bias": torch.full((64,), torch.nan)}, "not finite: bn1.bias"),
    ],
)
def test_what_does_not_fit_is_listed(change: dict[str, Any], said: str, tmp_path: Path):
    weights = {name: value for name, value in {**own_weights(), **change}.items() if value is not None}
    save_file(weights, tmp_path / "file.safetensors")
    with pytest.raises(WeightsError, match=said) as error:
        start_from(resnet18(), tmp_path / "file.safetensors", described=described(), channels=3)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "nothing is there, expected a file of weights"),
        (b"", "not a readable file of weights"),
        (b"text", "not a readable file of weights"),
    ],
)
def test_what_is_no_file_of_weights(content: bytes | None, said: str, tmp_path: Path):
    if content is not None:
        (tmp_path / "file.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=said):
        start_from(resnet18(), tmp_path / "file.pth", described=described(), channels=3)


def test_a_file_that_could_run_code_is_refused(tmp_path: Path):
    torch.save({"state_dict": own_weights(), "args": Path("x")}, tmp_path / "file.pth")
    with pytest.raises(WeightsError, match="holds more than tensors, which could run code"):
        start_from(resnet18(), tmp_path / "file.pth", described=described(), channels=3)
    torch.save([1, 2], tmp_path / "file.pth")
    with pytest.raises(WeightsError, match="holds a list, expected a dictionary of tensors"):
        start_from(resnet18(), tmp_path / "file.pth", described=described(), channels=3)


def test_positions_of_a_vit_are_fitted_to_the_images(tmp_path: Path):
    theirs = timm.create_model("test_vit").eval()  # for 160 px: 10 x 10 patches
    torch.save(theirs.state_dict(), tmp_path / "file.pth")
    encoder = make_encoder("timm/test_vit", {}, channels=1, image_size=160)
    start = start_from(encoder, tmp_path / "file.pth", described=described("timm/test_vit", {}), channels=1)
    assert torch.equal(encoder.network.pos_embed, theirs.pos_embed)
    assert start.normalization == ([0.5], [0.5])  # of timm's configuration, three equal channels
    smaller = make_encoder("timm/test_vit", {}, channels=3, image_size=80)
    start_from(smaller, tmp_path / "file.pth", described=described("timm/test_vit", {}), channels=3)
    assert smaller.network.pos_embed.shape[1] == 1 + 5 * 5


def test_normalization_of_gray_images_is_the_mean_over_the_channels(tmp_path: Path):
    torch.save(timm.create_model("resnet18").state_dict(), tmp_path / "file.pth")
    encoder = make_encoder("timm/resnet18", {}, channels=1, image_size=32)
    start = start_from(encoder, tmp_path / "file.pth", described=described("timm/resnet18", {}), channels=1)
    assert start.normalization.mean == [pytest.approx((0.485 + 0.456 + 0.406) / 3)]
    assert start.normalization.std == [pytest.approx((0.229 + 0.224 + 0.225) / 3)]


def write_own(path: Path, **further: object) -> PretextModel:
    model = PretextModel(
        make_encoder("resnet10", SMALL, channels=1, image_size=8),
        projection={"hidden_dim": 3, "projection_dim": 4, "batch_norm": True},
    )
    metadata = encoder_metadata("resnet10", SMALL, channels=1, image_size=8)
    write_pretext(path, model, {**metadata, "mean": [0.3], "std": [0.2], "precision": "float32", **further})
    return model


def test_an_encoder_of_this_project_says_itself_what_taught_it(tmp_path: Path):
    path = tmp_path / "encoder.safetensors"
    model = write_own(path, trained_with="simclr on 1,797 images of digits")
    encoder = make_encoder("resnet10", SMALL, channels=1, image_size=16)
    start = start_from(encoder, path, described=described("resnet10", SMALL), channels=1)
    assert torch.equal(encoder.conv1.weight, model.encoder.conv1.weight)
    assert start.trained_with == f"simclr on 1,797 images of digits (encoder.safetensors, sha256 {start.sha256[:12]})"
    assert start.normalization == ([0.3], [0.2])


def test_an_encoder_of_this_project_of_another_architecture_is_refused(tmp_path: Path):
    write_own(tmp_path / "encoder.safetensors")
    with pytest.raises(WeightsError, match="made for architecture resnet10, expected resnet18"):
        start_from(resnet18(), tmp_path / "encoder.safetensors", described=described(), channels=3)


def test_published_weights_are_of_timm_s_networks_alone():
    with pytest.raises(WeightsError, match="packaged: found resnet18, expected a network of timm"):
        start_from(resnet18(), "packaged", described=described(), channels=3)
