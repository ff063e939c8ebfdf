"""Encoders that stay as they are, and the features that embed stores of all images."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from scan_core.artifacts.embeddings import read_embeddings
from scan_core.artifacts.model import read_model, write_model
from scan_core.encoders.resnet import ResNet
from scan_core.errors import ArtifactError
from stages import (
    baselines,
    embed,
    evaluate,
    scan_train,
    self_label,
)
from tests.pipeline import FROZEN, STORED, artifacts, run_stages, write_params
from tests.samples import write_pixels


def test_the_standardization_names_the_encoder_and_the_features_that_it_is_for(finished: Path):
    _, metadata = read_model(finished / "data/artifacts/standardization.safetensors")
    digest = artifacts(finished)
    assert metadata["encoder_sha256"] == digest["data/artifacts/pretext/encoder.safetensors"]
    assert metadata["features_sha256"] == digest["data/artifacts/features.npy"]


def test_a_frozen_encoder_is_that_of_the_pretext_task_and_in_no_model(ran: Path):
    write_params(ran, *FROZEN)
    run_stages(scan_train, self_label, evaluate)
    first = artifacts(ran)
    for step in ("scan", "self_label"):
        weights, metadata = read_model(ran / f"data/artifacts/{step}/model.safetensors")
        assert sorted(weights) == ["heads.bias", "heads.weight"]
        assert metadata["clusters"] == 10
        assert metadata["encoder_sha256"] == first["data/artifacts/pretext/encoder.safetensors"]
    assert not list(ran.glob(".resume/*/"))
    run_stages(scan_train, self_label, evaluate)
    assert artifacts(ran) == first


def test_an_encoder_that_learns_after_it_was_frozen_is_in_the_model(ran: Path):
    write_params(ran, *STORED, "self_label.train_encoder=true", "self_label.views=10")
    run_stages(scan_train, self_label, evaluate)
    scan, refined = (read_model(Path(f"data/artifacts/{step}/model.safetensors")) for step in ("scan", "self_label"))
    assert refined[1]["self_label"]["epochs"] or "encoder_sha256" in refined[1]
    if refined[1]["self_label"]["epochs"]:
        assert "encoder_sha256" not in refined[1]
        assert {name for name in refined[0] if not name.startswith("encoder.")} == set(scan[0])


def test_nothing_runs_the_encoder_after_embed(ran: Path, monkeypatch: pytest.MonkeyPatch):
    stored = [*STORED, "baselines.methods=[kmeans]"]  # iic, else, trains an encoder of its own
    write_params(ran, *stored)

    def forward(*_: object) -> None:
        raise RuntimeError("the encoder has run")

    monkeypatch.setattr(ResNet, "forward", forward)
    run_stages(baselines, scan_train, self_label, evaluate)
    first = artifacts(ran)
    run_stages(baselines, scan_train, self_label, evaluate)
    assert artifacts(ran) == first
    details = json.loads((ran / "reports/evaluate/details.json").read_text())
    assert "kmeans_scaled_acc" in details
    write_params(ran, *stored, "scan.views=2", "self_label.views=2")
    with pytest.raises(RuntimeError, match="the encoder has run"):
        run_stages(scan_train)


def test_features_of_another_encoder_are_refused(ran: Path):
    write_params(ran, *STORED)
    path = ran / "data/artifacts/pretext/encoder.safetensors"
    weights, metadata = read_model(path)
    write_model(path, weights, {**metadata, "task": "other"})
    with pytest.raises(ArtifactError, match=r"standardization\.safetensors: for the features of the encoder"):
        run_stages(scan_train)


def test_new_pictures_alone_go_through_the_encoder_again(finished: Path, ran: Path, capsys: pytest.CaptureFixture[str]):
    run_stages(embed)
    Path("data/artifacts/embeddings.npy").unlink()
    pixels = np.array(np.load("data/artifacts/images/pixels.npy"))
    pixels[3] = 255 - pixels[3]
    write_pixels(Path("data/artifacts/images"), pixels)
    encoder = Path("data/artifacts/pretext/encoder.safetensors")
    weights, metadata = read_model(encoder)
    write_model(encoder, weights, {**metadata, "run": {**metadata["run"], "images": 161}})  # as after a refetch
    capsys.readouterr()
    run_stages(embed)
    said = capsys.readouterr().err
    assert "embed: 159 of 160 images are in the cache" in said
    before, after = (read_embeddings(folder / "data/artifacts/embeddings.npy") for folder in (finished, ran))
    assert np.flatnonzero((before != after).any(axis=1)).tolist() == [3]
    with_cache = artifacts(ran)
    shutil.rmtree(".resume")
    run_stages(embed)
    assert "in the cache" not in capsys.readouterr().err
    assert artifacts(ran) == with_cache
