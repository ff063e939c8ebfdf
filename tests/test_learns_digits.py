"""A shortened run on the digits learns what they are: with a wrong loss, neighbors or pseudo-labels it does not."""

import json
from pathlib import Path

import pytest

from stages.use import main as use
from tests.pipeline import enter, run_stages

SHORT = [
    "seed=1",
    "encoder.resnet.width=8",
    "pretext.epochs=16",
    "scan.epochs=15",
    "scan.heads=3",
    "scan.views=4",
    "self_label.epochs=12",
    "self_label.learning_rate=1e-3",
    "runtime.device=cpu",
]


def test_a_short_run_on_the_digits_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    enter(tmp_path, monkeypatch)
    use("digits", SHORT)
    run_stages()
    found = json.loads(Path("reports/metrics/evaluate.json").read_text())
    # Purity 0.84 to 0.87 and ACC 0.76 to 0.83 after SCAN (seeds 0 to 2 on CPUs of two manufacturers). Six epochs of
    # self-labeling add 0.014 to 0.033 on one and -0.010 (seed 0), 0.040 and 0.002 on the other; twelve add 0.073 there
    # with seed 1.
    assert found["purity"] > 0.8
    assert found["scan_acc"] > 0.72
    assert found["acc"] > found["scan_acc"]
    assert found["self_label_epochs"] > 0
