"""Self-labeling as a stage: switched off, ended early, ended before it wrote."""

import json
import math
from pathlib import Path

import pytest
import torch

from scan_core.artifacts.model import read_model
from scan_core.clustering.self_label import SelfLabelTraining
from stages import (
    self_label,
)
from tests.pipeline import run_stages, write_params


def test_self_labeling_switched_off_passes_the_scan_model_through(ran: Path):
    write_params(ran, "self_label.epochs=0")
    run_stages(self_label)
    scan = read_model(ran / "data/artifacts/scan/model.safetensors")
    passed = read_model(ran / "data/artifacts/self_label/model.safetensors")
    assert passed[1] == scan[1]
    assert all(torch.equal(scan[0][name], passed[0][name]) for name in scan[0])


def test_self_labeling_ends_early_and_reports_its_last_epoch(ran: Path, capsys: pytest.CaptureFixture[str]):
    # The encoder is frozen: its batch normalization would follow the images whatever the rate.
    overrides = ["self_label.train_encoder=false", "self_label.learning_rate=1e-9"]
    write_params(ran, *overrides, "self_label.epochs=50", "self_label.patience=1")
    run_stages(self_label)
    details = json.loads((ran / "reports/self_label/details.json").read_text())
    said = (
        f"self-label: ends after {details['epochs_trained']} of 50 epochs: the last 1 brought no more confident images"
    )
    assert said in capsys.readouterr().err
    counts = [details[f"confident_cluster_{cluster}"] for cluster in range(10)]
    assert details["confident"] == sum(counts) > 0
    assert details["confident_share"] == details["confident_share_before"]
    assert (details["confident_smallest_cluster"], details["confident_largest_cluster"]) == (min(counts), max(counts))


def test_self_labeling_that_ended_before_it_wrote_reports_the_same(ran: Path, monkeypatch: pytest.MonkeyPatch):
    report = ran / "reports/self_label/details.json"
    run_stages(self_label)
    whole = report.read_text()
    report.unlink()

    def killed(*arguments: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr("scan_core.training.resume.SHARE_OF_TIME", math.inf)  # every epoch is saved
    with monkeypatch.context() as patch:
        patch.setattr(self_label, "write_clustering", killed)
        with pytest.raises(RuntimeError, match="killed"):
            run_stages(self_label)
    monkeypatch.setattr(SelfLabelTraining, "run_epoch", killed)  # no epoch is left
    run_stages(self_label)
    assert report.read_text() == whole
