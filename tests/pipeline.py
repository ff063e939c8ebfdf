"""A tiny project in a temporary folder, and ways to run it: in this process, as stages, or under the real DVC."""

import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from stages import (
    baselines,
    count_clusters,
    embed,
    evaluate,
    fetch,
    mine_neighbors,
    pretext_train,
    preview,
    scan_train,
    self_label,
)
from stages.use import main as use

ROOT = Path(__file__).parents[1]
STAGES = (
    fetch, preview, pretext_train, embed, count_clusters, mine_neighbors, baselines, scan_train, self_label, evaluate
)  # fmt: skip
TRAININGS = ("pretext_train", "scan_train", "self_label")
TINY = [
    "data.limit=160",
    "data.image_size=8",
    "encoder.resnet.width=4",
    "encoder.resnet.stem=3x3",
    "pretext.task=simclr",
    "pretext.learning_rate=0.4",
    "pretext.epochs=4",
    "pretext.batch_size=32",
    "pretext.warmup_epochs=0",
    "neighbors.k=3",
    "baselines.methods=[iic]",
    "baselines.epochs=1",
    "scan.train_encoder=true",
    "scan.heads=2",
    "scan.epochs=4",
    "scan.batch_size=32",
    "scan.learning_rate=1e-2",
    "self_label.threshold=0.15",
    "self_label.epochs=4",
    "self_label.patience=4",
    "self_label.batch_size=32",
    "runtime.device=cpu",
]

FROZEN = ["scan.train_encoder=false", "scan.views=3", "self_label.train_encoder=false", "self_label.ema_decay=0.9"]
STORED = ["scan.train_encoder=false", "scan.views=0", "scan.heads=4", "scan.merge_heads=true", "scan.init=kmeans"]
STORED += ["self_label.train_encoder=false", "self_label.views=0"]


def enter(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Work in ``folder`` as a person does, also where DVC has started the tests."""
    patch.chdir(folder)
    patch.delenv("DVC_ROOT", raising=False)


def write_params(folder: Path, *overrides: str) -> None:
    """Write the tiny project's params.yaml to ``folder``."""
    write_preset(folder / "params.yaml", "digits", *TINY, *overrides)


def write_preset(path: Path, name: str, *overrides: str) -> None:
    """Write to ``path`` what ``python -m stages.use NAME KEY=VALUE ...`` writes, which is worked out once."""
    path.write_text(_preset(name, overrides))


@cache
def _preset(name: str, overrides: tuple[str, ...]) -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        use(name, [*overrides], params=path)
        return path.read_text()


def run_stages(*stages: object) -> None:
    """Run the ``main`` of some stages, in the working directory; without any, of all."""
    for stage in stages or STAGES:
        stage.main(Path("params.yaml"))  # type: ignore[attr-defined]


def copy_data(source: Path, target: Path) -> None:
    """Copy what the stages have written in ``source``."""
    for name in ("data", "reports"):
        shutil.copytree(source / name, target / name, dirs_exist_ok=True)


def artifacts(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under data/ and reports/."""
    files = [path for top in ("data", "reports") for path in (folder / top).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def environment(folder: Path) -> dict[str, str]:
    """For a stage or DVC started in ``folder``: this Python first, the project's modules from ``folder`` or here."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    code = folder if (folder / "stages").is_dir() else ROOT
    return {**os.environ, "PATH": path, "PYTHONPATH": str(code), "OMP_NUM_THREADS": "1"}


def heed_ctrl_c() -> None:
    """Let Ctrl-C reach this process, also where the tests themselves ignore it: for ``preexec_fn``."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start_stage(folder: Path, stage: str, **options: object) -> subprocess.Popen[str]:
    """Start ``python -m stages.<stage>`` in ``folder``."""
    options.setdefault("preexec_fn", heed_ctrl_c)
    return subprocess.Popen(
        [sys.executable, "-m", f"stages.{stage}"],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def wait_for_an_epoch(folder: Path, stage: str, process: subprocess.Popen[str]) -> None:
    """Wait until the training that ``process`` runs in ``folder`` has saved an epoch."""
    limit = time.monotonic() + 120
    while not list(folder.glob(f".resume/{stage}-*/state.safetensors")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit, "no epoch was saved"
        time.sleep(0.005)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """As on a full disk, no file grows beyond ``size`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def clone(folder: Path) -> Path:
    """A git repository in ``folder`` with this working tree's files, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    configure = [
        ["config", "user.name", "t"],
        ["config", "user.email", "t@localhost"],
        ["config", "commit.gpgsign", "false"],
    ]
    for command in (["init", "-q"], *configure, ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def dvc(folder: Path, *arguments: str) -> str:
    """Run DVC in ``folder``; returns what it printed, and fails with that where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, env=environment(folder), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
