"""Stages as processes: killed, interrupted, out of disk, run twice at once: nothing is lost, no byte changes."""

import random
import re
import shutil
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from scan_core.errors import ArtifactError
from stages import embed, evaluate, pretext_train, scan_train, self_label
from tests.forked import end_itself, fork_stage, status_of, wait_until
from tests.pipeline import (
    FROZEN,
    ROOT,
    STORED,
    TRAININGS,
    artifacts,
    enter,
    largest_file,
    run_stages,
    start_stage,
    wait_for_an_epoch,
    write_params,
)

pytestmark = pytest.mark.usefixtures("one_thread")
STAGES = dict(zip(TRAININGS, (pretext_train, scan_train, self_label), strict=True))


@pytest.fixture(scope="module")
def uninterrupted(finished: Path) -> Path:
    return finished


@pytest.fixture
def project(uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it: the working directory."""
    folder = shutil.copytree(uninterrupted, tmp_path / "project")
    enter(folder, monkeypatch)
    return folder


def forget(folder: Path, stage: str) -> None:
    """Remove a training's outputs, as DVC does before it runs the stage."""
    shutil.rmtree(folder / f"reports/{stage}")
    outputs = {"pretext_train": "pretext/encoder", "scan_train": "scan/model", "self_label": "self_label/model"}
    (folder / f"data/artifacts/{outputs[stage]}.safetensors").unlink()


def kill_after_first_epoch(folder: Path, stage: str) -> None:
    """Start a training, which is killed once it has saved an epoch."""
    assert status_of(fork_stage(folder, stage, after_save=end_itself)) == -signal.SIGKILL


@pytest.mark.parametrize("stage", TRAININGS)
def test_a_killed_training_goes_on_and_ends_with_the_same_bytes(
    stage: str, uninterrupted: Path, project: Path, capsys: pytest.CaptureFixture[str]
):
    forget(project, stage)
    kill_after_first_epoch(project, stage)
    run_stages(STAGES[stage])
    assert re.search(r"going on after epoch 1 ", capsys.readouterr().err)
    assert artifacts(project) == artifacts(uninterrupted)
    assert not list(project.glob(".resume/*/"))


SMALL_NCE = ["pretext.task=nce", "pretext.nce.negatives=64", "pretext.nce.projection_dim=16"]
SMALL_MOCO = ["pretext.task=moco", "pretext.moco.queue=64", "pretext.moco.norm_group=4"]
SMALL_BYOL = ["pretext.task=byol", "pretext.byol.hidden_dim=32", "pretext.byol.projection_dim=16"]
KILLED = {
    "fetch": ("fetch", []),
    "simclr": ("pretext_train", []),
    "nce": ("pretext_train", SMALL_NCE),
    "moco": ("pretext_train", SMALL_MOCO),
    "byol": ("pretext_train", SMALL_BYOL),
    "embed": ("embed", []),
    "scan": ("scan_train", []),
    "scan on stored features": ("scan_train", STORED),
    "self-label": ("self_label", []),
    "self-label on stored features": ("self_label", STORED),
    "evaluate": ("evaluate", []),
}
"""Stages with the parameters that they are killed with."""
FEW_EPOCHS = ["pretext.epochs=10", "scan.epochs=8", "self_label.epochs=8", "self_label.patience=8"]
MOMENTS = 20


@pytest.mark.slow
@pytest.mark.parametrize("name", KILLED)
def test_killed_at_random_moments_a_stage_ends_with_the_same_bytes(name: str, project: Path):
    stage, overrides = KILLED[name]
    write_params(project, *FEW_EPOCHS, *overrides)
    if name == "self-label on stored features":
        run_forked(project, "scan_train")
    seconds, expected = run_forked(project, stage), artifacts(project)
    chance, ended = random.Random(name), True
    for _ in range(MOMENTS):
        if ended:
            remove_outputs(stage)
        process = fork_stage(project, stage)
        process.join(chance.uniform(0.1, 1) * seconds)
        process.kill()
        process.join()
        ended = process.exitcode == 0
        assert not ended or artifacts(project) == expected
    if not ended:
        run_forked(project, stage)
    assert artifacts(project) == expected
    assert not list(project.glob(".resume/*/"))


def run_forked(folder: Path, stage: str) -> float:
    """Run a stage to its end, and return the seconds that it took."""
    started = time.monotonic()
    assert status_of(fork_stage(folder, stage)) == 0
    return time.monotonic() - started


def remove_outputs(stage: str) -> None:
    """Remove what a stage has written, as DVC does before it runs the stage."""
    described = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"][stage.replace("_", "-")]
    for each in [*described.get("outs", []), *described.get("metrics", [])]:
        path = Path(next(iter(each)) if isinstance(each, dict) else each)
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def frozen(uninterrupted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a frozen encoder, whose clustering steps have run."""
    folder = shutil.copytree(uninterrupted, tmp_path_factory.mktemp("frozen") / "project")
    with pytest.MonkeyPatch.context() as patch:
        enter(folder, patch)
        write_params(folder, *FROZEN)
        for stage in ("scan_train", "self_label"):
            forget(folder, stage)
            run_stages(STAGES[stage])
    return folder


@pytest.mark.parametrize("moment", ["before_save", "after_save"])
@pytest.mark.parametrize("stage", ["scan_train", "self_label"])
def test_a_killed_training_on_a_frozen_encoder(
    stage: str,
    moment: str,
    frozen: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    project = shutil.copytree(frozen, tmp_path / "project")
    enter(project, monkeypatch)
    forget(project, stage)
    assert status_of(fork_stage(project, stage, **{moment: end_itself})) == -signal.SIGKILL
    assert list(project.glob(".resume/*/features.f16"))
    run_stages(STAGES[stage])
    assert ("going on after epoch 1 " in capsys.readouterr().err) == (moment == "after_save")
    assert artifacts(project) == artifacts(frozen)
    assert not list(project.glob(".resume/*/"))


def test_changed_parameters_and_a_damaged_state_start_anew(
    uninterrupted: Path, project: Path, capsys: pytest.CaptureFixture[str]
):
    forget(project, "scan_train")
    kill_after_first_epoch(project, "scan_train")
    (state,) = project.glob(".resume/*/state.safetensors")
    write_params(project, "scan.entropy_weight=3.0")
    run_stages(scan_train)
    assert "going on" not in capsys.readouterr().err
    write_params(project)
    state.write_bytes(state.read_bytes()[:100])
    run_stages(scan_train)
    assert "starting anew" in capsys.readouterr().err
    assert artifacts(project) == artifacts(uninterrupted)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_fails_within_seconds_and_writes_no_model(project: Path, number: int):
    write_params(project, "pretext.epochs=400")
    forget(project, "pretext_train")
    process = start_stage(project, "pretext_train")
    wait_for_an_epoch(project, "pretext_train", process)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: -signal.SIGTERM}[number]
    assert not (project / "data/artifacts/pretext/encoder.safetensors").exists()
    assert list(project.glob(".resume/*/state.safetensors"))


def say_and_wait(saved: Path, said: Path) -> None:
    """Write that an epoch is saved, and wait until the other process says that it waits."""
    saved.write_text("an epoch")
    wait_until(said, "waiting")


@pytest.mark.parametrize("stage", TRAININGS)
def test_a_second_process_waits_for_the_first_and_finds_its_result(
    stage: str, uninterrupted: Path, project: Path, tmp_path: Path
):
    forget(project, stage)
    said, saved = tmp_path / "said", tmp_path / "saved"
    said.touch()
    saved.touch()
    first = fork_stage(project, stage, after_save=partial(say_and_wait, saved, said))
    wait_until(saved, "an epoch")
    second = fork_stage(project, stage, said=said)
    assert [status_of(process) for process in (first, second)] == [0, 0]
    assert artifacts(project) == artifacts(uninterrupted)
    waiting, opening, going_on, *_ = said.read_text().splitlines()
    assert opening.startswith(f"{stage.replace('_', '-')}: ")
    assert waiting == f"waiting: process {first.pid} is at the same training; kill it to take over"
    assert going_on.startswith("going on after epoch 4 ")
    assert not re.search(r"epoch \d+/", said.read_text())
    assert not list(project.glob(".resume/*/"))


@pytest.mark.parametrize(
    ("stage", "artifact"),
    [
        (embed, "data/artifacts/features.npy"),
        (evaluate, "data/artifacts/predictions.parquet"),
        (scan_train, r"\S+/state.safetensors"),
    ],
)
def test_a_full_disk_is_an_error_and_earlier_artifacts_stay(project: Path, stage: object, artifact: str):
    before = artifacts(project)
    said = rf"^{artifact}: cannot be written \(.+\); free space"
    with largest_file(4096), pytest.raises(ArtifactError, match=said):
        run_stages(stage)
    kept = [name for name in before if name.startswith("data")]
    assert {name: artifacts(project).get(name) for name in kept} == {name: before[name] for name in kept}
    assert not list(project.rglob("*.tmp"))


def test_a_folder_that_cannot_be_written(project: Path):
    shutil.rmtree(project / "data/artifacts/scan")
    (project / "data/artifacts/scan").write_text("a file where the folder should be")
    with pytest.raises(ArtifactError, match=r"^data/artifacts/scan/model.safetensors: cannot be written"):
        run_stages(scan_train)


def test_errors_are_one_line_on_stderr(project: Path):
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("heads: 2", "heads: two"))
    process = start_stage(project, "scan_train")
    out, error = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert error == "error: params.yaml: scan.heads: found 'two', allowed: a valid integer\n"
