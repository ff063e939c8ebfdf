import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from scan_core.artifacts.model import read_model
from scan_core.errors import DataError
from stages import fetch, predict
from stages.model_run import WRITTEN, warning_of_another_run
from stages.params_file import load_params
from tests.pipeline import run_stages, write_params

MODEL, INDEX = Path("data/artifacts/self_label/model.safetensors"), Path("data/artifacts/index.parquet")


def warning() -> str | None:
    return warning_of_another_run(load_params(Path("params.yaml")), read_model(MODEL)[1], INDEX)


def test_a_model_of_the_present_parameters(ran: Path):
    assert warning() is None
    write_params(ran, "runtime.workers=1", "evaluate.prototypes=3")  # neither has a part in the model
    assert warning() is None


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("seed=1", "seed (was 0, is 1)"),
        ("scan.entropy_weight=3.5", "scan.entropy_weight (was 5.0, is 3.5)"),
        ("pretext.simclr.temperature=0.1", "pretext.simclr.temperature (was 0.2, is 0.1)"),
        ("self_label.epochs=9", "self_label.epochs (was 4, is 9)"),
        ("data.name=cifar10", "data.name (was digits, is cifar10)"),
    ],
)
def test_what_differs_is_named_and_the_run_too(ran: Path, override: str, said: str):
    write_params(ran, override)
    message = str(warning())
    assert "of a run on 160 images of the dataset digits, with seed 0 and 10 clusters" in message
    assert f"other now: {said}" in message


def test_other_images(ran: Path):
    write_params(ran, "data.seed=1")
    run_stages(fetch)
    assert "other now: the images in data/artifacts" in str(warning())


def test_what_no_model_holds_is_known_from_dvc(ran: Path):
    sections = load_params(Path("params.yaml")).model_dump(mode="json")
    stages = {"fetch": "data", "embed": "embed", "mine-neighbors": "neighbors"}
    lock = {
        stage: {"params": {"params.yaml": {name: sections[name]}}, "outs": [output(WRITTEN[stage])]}
        for stage, name in stages.items()
    }
    Path("dvc.lock").write_text(json.dumps({"stages": lock}))
    assert warning() is None
    write_params(ran, "data.name=cifar10")
    assert str(warning()).count("data.name (was digits, is cifar10)") == 1  # the lock and the images both tell
    write_params(ran, "neighbors.k=4", "embed.center=true", "data.on_bad_image=fail")
    for said in ("neighbors.k (was 3, is 4)", "embed.center (was False, is True)", "data.on_bad_image (was skip, is"):
        assert said in str(warning())
    for stage in lock.values():  # as where the stages were run without DVC, beside the lock of another run
        stage["outs"][0]["md5"] = "0" * 32
    Path("dvc.lock").write_text(json.dumps({"stages": lock}))
    assert warning() is None


def output(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"path": str(path), "md5": hashlib.md5(content).hexdigest(), "size": len(content)}


def test_a_model_alone_says_nothing_of_images(ran: Path):
    INDEX.unlink()
    assert warning() is None


def test_predict_says_so(ran: Path, monkeypatch: pytest.MonkeyPatch):
    write_params(ran, "scan.entropy_weight=3.5")
    said = []
    monkeypatch.setattr(predict, "warn", said.append)
    with pytest.raises(DataError, match="no picture in"):
        predict.main([str(ran / "data/artifacts")])
    assert "scan.entropy_weight (was 5.0, is 3.5)" in said[0]
