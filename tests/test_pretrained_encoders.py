"""The whole pipeline with an encoder that starts from weights, or is taken as it is."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from scan_core.artifacts.model import read_model
from scan_core.errors import ParamsError
from stages import check, predict, pretext_train
from stages.paths import ENCODER, SELF_LABEL_MODEL
from tests.pipeline import run_stages, write_params
from tests.samples import encode, noise

PACKAGED = "the labels of ImageNet-1k (EfficientNet-Lite0, packaged)"
AS_IT_IS = ["encoder.name=timm/tf_efficientnet_lite0", "encoder.weights=packaged", "pretext.task=none"]


def test_a_packaged_encoder_as_it_is_through_all_stages(project: Path, capsys: pytest.CaptureFixture[str]):
    write_params(project, *AS_IT_IS, "data.image_size=32", "data.limit=48", "scan.epochs=1", "self_label.epochs=1")
    run_stages()
    metadata = read_model(SELF_LABEL_MODEL)[1]
    assert metadata["trained_with"] == PACKAGED
    assert metadata["mean"] == [pytest.approx(127 / 255)]  # not that of the digits
    assert metadata["channels"] == 1
    assert "pretext" not in metadata
    details = json.loads(Path("reports/evaluate/details.json").read_text())
    assert details["trained_with"] == PACKAGED
    printed = capsys.readouterr().out.splitlines()
    assert f"the encoder was trained with: {PACKAGED}" in printed
    assert json.loads(Path("reports/pretext_train/details.json").read_text()) == {
        "epochs": 0, "images": 0, "trained_with": PACKAGED
    }  # fmt: skip


def test_a_pretext_task_goes_on_from_a_file(ran: Path):
    ENCODER.rename("mine.safetensors")
    write_params(ran, "encoder.weights=mine.safetensors", "pretext.epochs=1", "pretext.learning_rate=1e-9")
    run_stages(pretext_train)
    before, after = read_model(Path("mine.safetensors")), read_model(ENCODER)
    weight = "encoder.layer1.0.conv1.weight"
    torch.testing.assert_close(after[0][weight], before[0][weight], atol=1e-5, rtol=0)
    assert before[1]["trained_with"] == "simclr on 160 images of digits"
    digest = after[1]["weights_sha256"]
    assert after[1]["trained_with"] == (
        f"simclr on 160 images of digits (mine.safetensors, sha256 {digest[:12]}), then simclr on 160 images of digits"
    )
    assert after[1]["mean"] == before[1]["mean"]


def test_another_file_of_the_same_name_is_noticed(ran: Path, capsys: pytest.CaptureFixture[str]):
    ENCODER.rename("mine.safetensors")
    write_params(ran, "encoder.weights=mine.safetensors", "pretext.task=none")
    run_stages(pretext_train)
    check.main(Path("params.yaml"))
    assert "has changed" not in capsys.readouterr().err
    Path("mine.safetensors").write_bytes(b"other")
    check.main(Path("params.yaml"))
    assert "encoder.weights: " in (said := capsys.readouterr().err)
    assert "mine.safetensors has changed since pretext-train read it, which DVC does not see" in said


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["encoder.weights=nothing.pth"], r"encoder\.weights: .*nothing\.pth: nothing is there"),
        (["encoder.weights=hub"], r"encoder\.weights: hub: found resnet10, expected a network of timm .*packaged"),
        (["encoder.weights=s3://bucket/x"], r"encoder\.weights: s3://bucket/x, expected a path"),
        (["encoder.name=timm/test_vitt"], r"encoder\.name: found timm/test_vitt .* near ones: test_vit, "),
        (["encoder.name=timm/test_vit"], r"found timm/test_vit with data\.image_size 8: .* the nearest size .* is 16"),
    ],
)
def test_an_encoder_that_cannot_be_is_one_line(ran: Path, overrides: list[str], said: str):
    write_params(ran, *overrides)
    with pytest.raises(Exception, match=said) as error:
        run_stages(pretext_train)
    assert "\n" not in str(error.value)


def test_weights_that_a_run_would_remove_are_refused(project: Path):
    with pytest.raises(ParamsError, match=r"encoder\.weights: found .*, which lies in data/artifacts"):
        write_params(project, "encoder.weights=data/artifacts/pretext/encoder.safetensors")


def test_pictures_of_a_folder_and_new_ones(project: Path):
    for folder, count in (("pictures", 12), ("new", 3)):
        Path(folder).mkdir()
        for i in range(count):
            (Path(folder) / f"{i}.png").write_bytes(encode(noise(40, 32, 3, seed=i)))
    write_params(
        project, *AS_IT_IS, "data.name=folder", "data.source=pictures", "data.limit=null", "data.image_size=32",
        "neighbors.k=2", "scan.clusters=2", "scan.batch_size=6", "scan.train_encoder=false", "self_label.epochs=0",
    )  # fmt: skip
    run_stages()
    predict.main(["new"], Path("new.csv"), Path("params.yaml"))
    table = pd.read_csv("new.csv")
    assert len(table) == 3
    assert table["novelty"].between(0, 100).all()
