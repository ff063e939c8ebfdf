"""Stages in two processes, as ``runtime.devices: 2`` or torchrun starts them, do what one does."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch

from scan_core.artifacts.model import read_model
from scan_core.errors import ParamsError
from stages import devices, embed, mine_neighbors, scan_train
from stages import processes as stage_processes
from stages.params_file import load_params
from tests.embedded import write_directions, write_images_of
from tests.parallel.team import Team
from tests.parallel.two_devices import SMALL_STEPS, TWO, assert_embeds_as
from tests.pipeline import FROZEN, STORED, TRAININGS, artifacts, environment, start_stage, write_params


def finish(folder: Path, stage: str) -> str:
    process = start_stage(folder, stage)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, out + error
    return error


@pytest.mark.slow
@pytest.mark.parametrize("stage", TRAININGS)
def test_two_processes_write_what_one_writes(stage: str, by_one: Path, project: Path):
    files = {"pretext_train": "pretext/encoder", "scan_train": "scan/model", "self_label": "self_label/model"}
    artifact = Path(f"data/artifacts/{files[stage]}.safetensors")
    shutil.rmtree(project / f"reports/{stage}")
    artifact.unlink()
    said = finish(project, stage)
    assert said.startswith(f"stages.{stage}: 2 processes\n")
    assert len(re.findall("epoch 4/4", said)) == 1
    assert artifacts(project).keys() == artifacts(by_one).keys()
    assert not list(project.glob(".resume/*/"))
    (found, metadata), (expected, described) = (read_model(folder / artifact, keys=[]) for folder in (project, by_one))
    assert found.keys() == expected.keys()
    assert all(np.allclose(found[name], expected[name], atol=2e-3) for name in expected)
    losses = [values.pop("selection_loss", 0.0) for values in (metadata, described)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    if stage == "scan_train":
        consistencies = [values["scan"].pop("consistency") for values in (metadata, described)]
        assert consistencies[0] == pytest.approx(consistencies[1], abs=1e-3)
    assert metadata == described


@pytest.mark.slow
def test_two_processes_embed_as_one(by_one: Path, project: Path):
    Path("data/artifacts/embeddings.npy").unlink()
    finish(project, "embed")
    assert_embeds_as(by_one)


def torchrun(folder: Path, *program: str) -> str:
    """What ``program`` (as Python's command line names it) says in two processes that torchrun starts from outside."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *program]
    done = subprocess.run(command, env=environment(folder), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_torchrun_from_outside(by_one: Path, project: Path):
    write_params(project, *SMALL_STEPS)  # runtime.devices: 1
    Path("data/artifacts/embeddings.npy").unlink()
    assert torchrun(project, "-m", "stages.embed").count("embed: 160 images") == 1
    assert_embeds_as(by_one)


@pytest.mark.slow
def test_torchrun_mines_neighbors_as_one_process(by_one: Path, project: Path):
    write_params(project, *SMALL_STEPS)
    assert torchrun(project, "-m", "stages.mine_neighbors").count("3 neighbors of each of 160 images, exactly") == 1
    found = mined()
    mine_neighbors.main(Path("params.yaml"))
    assert mined() == found


def write_kinds(images: int) -> None:
    """Embeddings of ``images`` images, of 40 kinds, enough for several shards."""
    generator = np.random.default_rng(0)
    points = generator.normal(size=(40, 16))[generator.integers(40, size=images)]
    points += generator.normal(size=points.shape)
    write_directions(points)
    write_images_of(np.ones(images, bool))


def mined() -> tuple[bytes, str]:
    """The table and the details, which are deleted."""
    table, details = Path("data/artifacts/neighbors.parquet"), Path("reports/mine_neighbors/details.json")
    found = table.read_bytes(), details.read_text()
    table.unlink()
    details.unlink()
    return found


def mine_together(folder: Path) -> None:
    os.chdir(folder)
    mine_neighbors._mine_and_write(load_params(Path("params.yaml")))


@pytest.mark.parametrize(("exact_up_to", "search"), [(9000, "exact"), (8999, "ivf")])
def test_two_processes_mine_as_one(exact_up_to: int, search: str, project: Path, processes: Team):
    write_kinds(9000)  # two whole chunks, and a rest
    write_params(project, f"neighbors.exact_up_to={exact_up_to}")
    mine_neighbors.main(Path("params.yaml"))
    expected = mined()
    assert f'"search": "{search}"' in expected[1]
    processes(mine_together, project)
    assert mined() == expected


@pytest.mark.slow
@pytest.mark.parametrize("settings", [FROZEN, STORED], ids=["views", "stored features"])
def test_torchrun_trains_heads_on_a_frozen_encoder_in_one_of_its_processes(settings: list[str], project: Path):
    write_params(project, *settings)
    scan_train.main(Path("params.yaml"))
    expected = Path("data/artifacts/scan/model.safetensors").read_bytes()
    Path("data/artifacts/scan/model.safetensors").unlink()
    assert len(re.findall("epoch 4/4", torchrun(project, "-m", "stages.scan_train"))) == 1
    assert Path("data/artifacts/scan/model.safetensors").read_bytes() == expected


@pytest.mark.parametrize(("rank", "called"), [("0", ["cpu"]), ("1", [])])
def test_the_first_process_of_torchrun_does_alone_what_is_not_shared(
    rank: str, called: list[str], project: Path, monkeypatch: pytest.MonkeyPatch
):
    found: list[str] = []

    def work(_: object, device: torch.device) -> None:
        found.append(device.type)

    monkeypatch.setenv("RANK", rank)
    config = load_params(Path("params.yaml"))
    stage_processes.run_alone(work, config)
    assert found == ["cpu"]  # torchrun has not started this one
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "0")
    stage_processes.run_alone(work, config)
    assert found == ["cpu", *called]


def test_a_batch_that_cannot_be_shared(project: Path):
    write_params(project, "scan.batch_size=33", TWO)
    with pytest.raises(ParamsError, match=r"scan\.batch_size: found 33, expected a multiple of the 2 devices"):
        scan_train.main(Path("params.yaml"))


def test_more_devices_than_there_are(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(devices.os, "cpu_count", lambda: 2)
    write_params(project, "runtime.devices=3")
    with pytest.raises(ParamsError, match=r"runtime\.devices: found 3, expected at most the 2 processors here"):
        embed.main(Path("params.yaml"))


@pytest.mark.parametrize(("outside", "threads"), [(None, 2), ("5", 5)])
def test_processes_divide_the_threads(outside: str | None, threads: int, monkeypatch: pytest.MonkeyPatch):
    for name, value in (("OMP_NUM_THREADS", outside), ("MKL_NUM_THREADS", None)):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr(stage_processes, "dist", MagicMock())
    monkeypatch.setattr(stage_processes, "prepare", lambda device: None)
    torch.set_num_threads(5)
    stage_processes._join(lambda config, device: None, MagicMock(), torch.device("cpu"))
    assert torch.get_num_threads() == threads


def test_auto_is_one_process_without_a_gpu(project: Path):
    write_params(project, "runtime.devices=auto")
    called = []
    stage_processes.run_on_devices(
        lambda _, device: called.append(device.type), load_params(Path("params.yaml")), Path("x")
    )
    assert called == ["cpu"]
