"""Stages in two processes, as ``runtime.devices: 2`` starts them: the same results, one message, all of them end."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from scan_core.artifacts.embeddings import read_embeddings, write_embeddings
from scan_core.artifacts.index import Index, Normalization, write_index
from scan_core.artifacts.model import read_model
from scan_core.errors import ParamsError
from stages import devices, embed, fetch, mine_neighbors, pretext_train, scan_train, self_label
from stages import processes as stage_processes
from stages.launch import launch
from stages.params_file import load_params
from tests.distributed.team import Team
from tests.pipeline import FROZEN, TRAININGS, artifacts, environment, run_stages, start_stage, write_params

pytestmark = pytest.mark.xdist_group("distributed")
TWO = "runtime.devices=2"
# Steps so small that rounding does not grow between one process and two.
SMALL_STEPS = ["pretext.learning_rate=1e-2", "scan.learning_rate=1e-4", "self_label.learning_rate=1e-4"]
LONG = [*SMALL_STEPS, "pretext.epochs=300"]


@pytest.fixture(scope="module")
def by_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All trainings have run in one process."""
    folder = tmp_path_factory.mktemp("by_one")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("DVC_ROOT", raising=False)
        write_params(folder, *SMALL_STEPS)
        run_stages(fetch, pretext_train, embed, mine_neighbors, scan_train, self_label)
    return folder


@pytest.fixture
def project(by_one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which asks for two devices."""
    folder = shutil.copytree(by_one, tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    write_params(folder, *SMALL_STEPS, TWO)
    return folder


def finish(folder: Path, stage: str) -> str:
    process = start_stage(folder, stage)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, out + error
    return error


def after_first_epoch(folder: Path, stage: str) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """A training that has saved an epoch, and its two processes."""
    process = start_stage(folder, stage)
    limit = time.monotonic() + 120
    while not list(folder.glob(f".resume/{stage}-*/state.safetensors")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit, "no epoch was saved"
        time.sleep(0.005)
    return process, psutil.Process(process.pid).children()


def wait_until_ended(workers: list[psutil.Process]) -> None:
    _, running = psutil.wait_procs(workers, timeout=20)
    assert not [worker for worker in running if worker.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
@pytest.mark.parametrize("stage", TRAININGS)
def test_two_processes_write_what_one_writes(stage: str, by_one: Path, project: Path):
    files = {"pretext_train": "pretext/encoder", "scan_train": "scan/model", "self_label": "self_label/model"}
    artifact = Path(f"data/{files[stage]}.safetensors")
    shutil.rmtree(project / f"reports/{stage}")
    artifact.unlink()
    said = finish(project, stage)
    assert said.startswith(f"stages.{stage}: 2 processes\n")
    assert len(re.findall("epoch 1/4", said)) == 1
    assert artifacts(project).keys() == artifacts(by_one).keys()
    assert not list(project.glob(".resume/*/"))
    (found, metadata), (expected, described) = (read_model(folder / artifact, keys=[]) for folder in (project, by_one))
    assert found.keys() == expected.keys()
    assert all(np.allclose(found[name], expected[name], atol=2e-3) for name in expected)
    losses = [values.pop("selection_loss", 0.0) for values in (metadata, described)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    assert metadata == described


@pytest.mark.slow
def test_two_processes_embed_as_one(by_one: Path, project: Path):
    Path("data/embeddings.npy").unlink()
    finish(project, "embed")
    np.testing.assert_allclose(
        read_embeddings(Path("data/embeddings.npy")), read_embeddings(by_one / "data/embeddings.npy"), atol=1e-5
    )


def test_new_processes_do_what_forks_do(by_one: Path, project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", environment(project)["PYTHONPATH"])
    Path("data/embeddings.npy").unlink()
    launch("embed", sys.executable, "-m", "stages.embed", "--params", "params.yaml", count=2)
    np.testing.assert_allclose(
        read_embeddings(Path("data/embeddings.npy")), read_embeddings(by_one / "data/embeddings.npy"), atol=1e-5
    )


def start_new_processes(folder: Path, stage: str) -> subprocess.Popen[str]:
    """``stage`` in two new processes, as where a GPU is."""
    program = f"""if True:
        import sys
        from stages.launch import launch
        launch("{stage}", sys.executable, "-m", "stages.{stage}", "--params", "params.yaml", count=2)
    """
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=folder, env=environment(folder), stderr=subprocess.PIPE, text=True
    )


def test_an_error_in_new_processes_is_one_line(project: Path):
    Path("data/pretext/encoder.safetensors").write_bytes(b"no model")
    process = start_new_processes(project, "scan_train")
    _, error = process.communicate(timeout=60)
    assert error.splitlines()[0] == "scan_train: 2 processes"
    assert error.splitlines()[-1].startswith("stages.launch.ProcessError: data/pretext/encoder.safetensors: ")


@pytest.mark.slow
@pytest.mark.parametrize("library", ["_multiarray_umath", "libtorch_cpu"])
def test_new_processes_end_with_a_stage_that_is_killed_while_they_import(library: str, project: Path):
    write_params(project, *LONG, TWO)
    process = start_new_processes(project, "pretext_train")
    limit = time.monotonic() + 60
    while len(workers := psutil.Process(process.pid).children()) < 2 or not all(
        library in Path(f"/proc/{worker.pid}/maps").read_text() for worker in workers
    ):
        assert time.monotonic() < limit
    process.kill()
    wait_until_ended(workers)
    assert process.communicate(timeout=20)[1].splitlines() == ["pretext_train: 2 processes"]


@pytest.mark.slow
def test_a_stage_that_ignores_the_terminals_end_goes_on(project: Path):
    write_params(project, *LONG, TWO)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    process, workers = after_first_epoch(project, "pretext_train")
    signal.signal(signal.SIGHUP, before)
    for one in (process, *workers):
        one.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert process.poll() is None
    assert all(worker.is_running() for worker in workers)
    process.kill()
    process.communicate(timeout=20)
    wait_until_ended(workers)


UNFORESEEN = """
from stages.launch import launch

def divide(by):
    1 / by

launch("divide", divide, 0, count=2)
"""


def test_an_unforeseen_error_in_a_fork_is_shown(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", UNFORESEEN], env=environment(tmp_path), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert re.search(r"in divide\n(.*\n)?ZeroDivisionError: division by zero\n", done.stderr)
    assert re.search(r"ProcessError: process [01] of 2 failed with status 1, and so the others", done.stderr)


def test_a_killed_process_ends_the_stage_which_goes_on_in_one_process(project: Path):
    write_params(project, *LONG, TWO)
    process, workers = after_first_epoch(project, "pretext_train")
    assert len(workers) == 2
    start = time.monotonic()
    workers[1].kill()
    _, error = process.communicate(timeout=60)
    assert time.monotonic() - start < 60
    assert process.returncode == 1
    said = r"error: process [01] of 2 ended by SIGKILL, and so the others were ended; run the same command to go on.*"
    assert re.fullmatch(said, error.splitlines()[-1])
    assert "Traceback" not in error
    wait_until_ended(workers)

    write_params(project, *LONG)
    alone = start_stage(project, "pretext_train")
    for line in alone.stderr or []:
        if line.startswith("going on after epoch"):
            break
        assert "epoch" not in line
    alone.kill()
    assert alone.communicate()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, -signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_an_interrupted_stage_ends_its_processes(number: int, status: int, project: Path):
    write_params(project, *LONG, TWO)
    process, workers = after_first_epoch(project, "pretext_train")
    process.send_signal(number)
    _, error = process.communicate(timeout=20)
    assert process.returncode == status
    assert error.splitlines()[-1].startswith("interrupted; run the same command" if status == 130 else "pretext_train:")
    assert "Traceback" not in error
    wait_until_ended(workers)


@pytest.mark.slow
def test_processes_end_with_a_stage_that_is_killed(project: Path):
    write_params(project, *LONG, TWO)
    process, workers = after_first_epoch(project, "pretext_train")
    process.kill()
    assert "ended" not in process.communicate(timeout=20)[1]
    wait_until_ended(workers)


def test_an_error_in_the_processes_is_one_line(project: Path):
    Path("data/pretext/encoder.safetensors").write_bytes(b"no model")
    process = start_stage(project, "scan_train")
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    first, second = error.splitlines()
    assert first == "stages.scan_train: 2 processes"
    assert second.startswith("error: data/pretext/encoder.safetensors: ")


def torchrun(folder: Path, stage: str) -> str:
    """What ``stage`` says in two processes that torchrun starts from outside."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*command, "-m", f"stages.{stage}"], env=environment(folder), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_torchrun_from_outside(by_one: Path, project: Path):
    write_params(project, *SMALL_STEPS)  # runtime.devices: 1
    Path("data/embeddings.npy").unlink()
    assert torchrun(project, "embed").count("embed, 160 images") == 1
    np.testing.assert_allclose(
        read_embeddings(Path("data/embeddings.npy")), read_embeddings(by_one / "data/embeddings.npy"), atol=1e-5
    )


def write_kinds(images: int) -> None:
    """Embeddings of ``images`` images, of 40 kinds, enough for several shards."""
    generator = np.random.default_rng(0)
    points = generator.normal(size=(40, 16))[generator.integers(40, size=images)]
    points += generator.normal(size=points.shape)
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    write_embeddings(Path("data/embeddings.npy"), unit.astype(np.float32))
    everything = np.ones(images, bool)
    index = Index(np.array(["all"] * images), everything, everything)
    write_index(Path("data/index.parquet"), index, normalization=Normalization([0.5], [0.5]), pixels_digest="0")


def mined() -> tuple[bytes, str]:
    """The table and the details, which are deleted."""
    table, details = Path("data/neighbors.parquet"), Path("reports/mine_neighbors/details.json")
    found = table.read_bytes(), details.read_text()
    table.unlink()
    details.unlink()
    return found


def test_processes_of_torchrun_mine_what_one_process_does(project: Path):
    write_kinds(9000)  # two whole chunks, and a rest
    mine_neighbors.main(Path("params.yaml"))
    expected = mined()
    said = torchrun(project, "mine_neighbors")
    assert said.count("3 of each of 9000 images, exactly") == 1
    assert mined() == expected


def mine_together(folder: Path) -> None:
    os.chdir(folder)
    mine_neighbors._mine_together(load_params(Path("params.yaml")))


def test_approximately_too(project: Path, processes: Team):
    write_kinds(9000)
    write_params(project, "neighbors.exact_up_to=8999")
    mine_neighbors.main(Path("params.yaml"))
    expected = mined()
    assert '"search": "ivf"' in expected[1]
    processes(mine_together, project)
    assert mined() == expected


@pytest.mark.slow
def test_torchrun_trains_heads_on_a_frozen_encoder_in_one_of_its_processes(project: Path):
    write_params(project, *FROZEN)
    scan_train.main(Path("params.yaml"))
    expected = Path("data/scan/model.safetensors").read_bytes()
    Path("data/scan/model.safetensors").unlink()
    assert len(re.findall("epoch 1/4", torchrun(project, "scan_train"))) == 1
    assert Path("data/scan/model.safetensors").read_bytes() == expected


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


def test_processors_and_threads_are_divided(monkeypatch: pytest.MonkeyPatch):
    chosen: list[object] = []
    monkeypatch.setattr(stage_processes.sys, "platform", "linux")
    monkeypatch.setattr(stage_processes.os, "sched_getaffinity", lambda _: {0, 2, 4, 6, 8}, raising=False)
    monkeypatch.setattr(stage_processes.os, "sched_setaffinity", lambda _, mine: chosen.append(mine), raising=False)
    monkeypatch.setattr(stage_processes.torch, "get_num_threads", lambda: 5)
    monkeypatch.setattr(stage_processes.torch, "set_num_threads", chosen.append)
    for process in (0, 1):
        stage_processes._take_share_of_processors(process, 2)
    stage_processes._take_share_of_processors(0, 6)  # fewer processors than processes
    assert chosen == [2, [0, 2], 2, [4, 6], 1]


def test_auto_is_one_process_without_a_gpu(project: Path):
    write_params(project, "runtime.devices=auto")
    called = []
    stage_processes.run_on_devices(
        lambda _, device: called.append(device.type), load_params(Path("params.yaml")), Path("x")
    )
    assert called == ["cpu"]
