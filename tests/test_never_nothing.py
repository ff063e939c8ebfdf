"""A run that goes wrong says so, repeats it, and ends with the best that there is."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from scan_core.artifacts.model import read_model
from stages import embed, evaluate, mine_neighbors, pretext_train, scan_train, self_label
from stages.model_run import warning_of_another_run
from stages.params_file import load_params
from stages.paths import INDEX, SELF_LABEL_MODEL
from tests.pipeline import run_stages, write_params

REJECTED = Path("data/artifacts/self_label/rejected.safetensors")


def read_json(name: str) -> dict[str, Any]:
    return json.loads(Path("reports", name).read_text())


def is_the_scan_model() -> bool:
    scan, final = (read_model(Path(f"data/artifacts/{step}/model.safetensors"))[0] for step in ("scan", "self_label"))
    return all(torch.equal(scan[name], final[name]) for name in scan)


def test_all_in_one_cluster(ran: Path, capsys: pytest.CaptureFixture[str]):
    write_params(ran, "scan.entropy_weight=0.0", "scan.learning_rate=0.1")
    run_stages(scan_train)
    assert "raise scan.entropy_weight" in capsys.readouterr().err
    run_stages(self_label)
    refused = "self-labeling is not taken, .*: that step has put all images into one cluster; see its warning"
    assert re.search(refused, capsys.readouterr().err)
    run_stages(evaluate)
    first, *others = re.findall("^warning: (.*)$", capsys.readouterr().err, re.MULTILINE)
    assert first.startswith("these clusters mean nothing")
    assert any(re.match(refused, warning) for warning in others)
    assert is_the_scan_model()
    metrics = read_json("metrics/evaluate.json")
    assert (metrics["self_label_epochs"], metrics["acc"]) == (0, metrics["scan_acc"])
    assert "not taken" in read_json("self_label/details.json")["warning"]
    assigned = pd.read_csv("reports/evaluate/assignments.csv")
    assert (assigned["cluster"].nunique(), assigned["kmeans"].nunique()) == (1, 10)
    assert Path("reports/evaluate/prototypes_kmeans.png").exists()
    predicted = pd.read_parquet("data/artifacts/predictions.parquet")
    assert sorted(predicted["step"].unique()) == ["rejected", "scan", "self_label"]
    assert read_json("evaluate/details.json")["clusters_mean_nothing"] == 1

    write_params(ran, "self_label.epochs=0")
    run_stages(self_label)
    assert not REJECTED.exists()


def test_nobody_is_confident(ran: Path, capsys: pytest.CaptureFixture[str]):
    write_params(ran, "self_label.threshold=0.9999999")
    run_stages(self_label, evaluate)
    said = capsys.readouterr().err
    assert said.count("no image is assigned with a probability above 0.9999999; lower self_label.threshold") == 2
    assert is_the_scan_model()
    assert not REJECTED.exists()
    details = read_json("self_label/details.json")
    assert (details["epochs"], details["epochs_trained"], details["confident"]) == (0, 1, 0)
    assert read_json("metrics/evaluate.json")["self_label_epochs"] == 0


def test_fewer_images_than_a_batch(ran: Path, capsys: pytest.CaptureFixture[str]):
    write_params(ran, "pretext.batch_size=162", "neighbors.k=160", "scan.batch_size=161", "self_label.batch_size=999")
    run_stages(pretext_train, embed, mine_neighbors, scan_train, self_label)
    found = [read_json(f"{stage}/details.json") for stage in ("pretext_train", "scan_train", "self_label")]
    assert [details["batch_size"] for details in found] == [160, 160, 160]
    assert read_json("mine_neighbors/details.json")["k"] == 32
    assert capsys.readouterr().err.count(" is lowered to ") == 4
    metadata = read_model(SELF_LABEL_MODEL)[1]
    assert warning_of_another_run(load_params(Path("params.yaml")), metadata, INDEX) is None


def test_self_labeling_that_diverges(ran: Path, capsys: pytest.CaptureFixture[str]):
    write_params(ran, "self_label.learning_rate=1e38", "self_label.optimizer=sgd", "self_label.threshold=0.2")
    run_stages(self_label)
    assert "self-labeling is not taken" in capsys.readouterr().err
    assert is_the_scan_model()
    assert read_json("self_label/details.json")["epochs"] == 0


def test_uniform_predictions(ran: Path, capsys: pytest.CaptureFixture[str]):
    shrunk = ["scan.optimizer=sgd", "scan.momentum=0.0", "scan.learning_rate=1e-3", "scan.weight_decay=500.0"]
    write_params(ran, *shrunk, "scan.epochs=12")  # all weights are halved in each step
    run_stages(scan_train)
    said = capsys.readouterr().err
    early, late = (
        f"until epoch {epoch} of 12, all images had nearly the same prediction, no better than chance"
        for epoch in (2, 12)
    )
    assert said.count(early) == 1
    assert late not in said
    assert "raise scan.entropy_weight" not in said
    assert late in read_json("scan_train/details.json")["warning"]
    run_stages(self_label)
    capsys.readouterr()
    run_stages(evaluate)
    said = capsys.readouterr().err
    first, *others = re.findall("^warning: (.*)$", said, re.MULTILINE)
    assert first.startswith("these clusters mean nothing")
    assert any(warning.startswith("scan-train: until epoch") for warning in others)
    assert "raise scan.entropy_weight" not in said
    assert "kmeans" in pd.read_csv("reports/evaluate/assignments.csv")


def test_a_pretext_task_at_chance(ran: Path, capsys: pytest.CaptureFixture[str]):
    write_params(ran, "pretext.learning_rate=1e-12", "pretext.epochs=2")
    run_stages(pretext_train)
    said = capsys.readouterr().err
    assert said.count("no better than chance") == 1
    details = read_json("pretext_train/details.json")
    assert details["at_chance_until"] == 2
    assert "until epoch 2 of 2" in details["warning"]
    run_stages(scan_train, self_label, evaluate)
    assert "warning: pretext-train: the pretext task's loss was no better than chance" in capsys.readouterr().err


def test_a_task_without_a_loss_at_chance_is_told_of_at_the_end(ran: Path, capsys: pytest.CaptureFixture[str]):
    write_params(ran, "pretext.task=byol", "pretext.learning_rate=1e-12", "pretext.epochs=2")
    run_stages(pretext_train)
    said = capsys.readouterr().err
    assert said.count("warning: pretext-train: up to the last epoch (2), an image's two views resembled") == 1


def test_all_predictions_are_the_prior(ran: Path, capsys: pytest.CaptureFixture[str]):
    shrunk = ["scan.optimizer=sgd", "scan.momentum=0.0", "scan.learning_rate=1e-3", "scan.weight_decay=500.0"]
    write_params(ran, *shrunk, "scan.clusters=4", "scan.prior=[0.3, 0.3, 0.2, 0.2]")
    run_stages(scan_train)
    assert "all images had nearly the same prediction, no better than chance" in capsys.readouterr().err
