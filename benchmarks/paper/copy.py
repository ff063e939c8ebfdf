"""A copy of this project, outside of it, in which the runs of the tables are queued: nothing here changes."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from dvc.repo import Repo

from scan_core.errors import DataError, ParamsError

ROOT = Path(__file__).resolve().parents[2]
KEPT = ".resume"
"""What a new copy takes over from the one before: trainings that a kill has interrupted go on there."""
MARK = ".made-by-benchmarks-paper"
"""The file by which a copy is known: another folder is not touched."""
CODE = ("benchmarks", "presets", "scan_core", "stages")
RESULTS = ("benchmarks/results/", "benchmarks/paper/results/")
PATIENCE = 10
"""Seconds that a process has to end."""
STAGES = ("stages.", "benchmarks.paper.oracle")
"""How a word of a stage's command line begins."""


def default_copy() -> Path:
    """Return the copy's folder, one for each checkout of the project."""
    return Path(tempfile.gettempdir()) / f"scan-paper-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"


def shown_path(path: Path) -> Path:
    """Return a path as a person who works in the project reads it."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


@contextmanager
def held(place: Path) -> Iterator[None]:
    """Let no other queue work in ``place`` meanwhile.

    Raises:
        ParamsError: one does, or the folder is part of the project.
    """
    if place.resolve().is_relative_to(ROOT) or ROOT.is_relative_to(place.resolve()):
        raise ParamsError(f"{place}: lies in the project or contains it; expected a folder outside")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ParamsError(f"{place}: another queue works there; wait for its end, or name another --copy") from None
        yield


def renew(place: Path) -> None:
    """Make ``place`` a git repository of this working tree's files as they are now, which shares DVC's cache.

    Raises:
        ParamsError: files are there that no queue has made.
    """
    if place.exists() and not (place / MARK).exists() and any(place.iterdir()):
        raise ParamsError(f"{place}: has files that are no copy of the project; name an empty folder")
    end_processes(place)
    place.mkdir(parents=True, exist_ok=True)
    (place / MARK).touch()
    for each in place.iterdir():
        if each.is_dir() and not each.is_symlink() and each.name != KEPT:
            shutil.rmtree(each)
        elif each.name not in (MARK, KEPT):
            each.unlink()
    for name in _files():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name)
    with Repo(str(ROOT)) as project:
        cache = project.cache.local_cache_dir
    (place / ".dvc/config.local").write_text(f"[cache]\n    dir = {cache}\n", encoding="utf-8")
    person = [["config", "user.name", "paper"], ["config", "user.email", "paper@localhost"]]
    for command in (["init", "-q"], *person, ["config", "commit.gpgsign", "false"], ["add", "-A"]):
        call(place, "git", *command)
    call(place, "git", "commit", "-qm", "the project")


def _files() -> list[str]:
    """Return git's files, and new ones of the code that it does not ignore; no results."""
    tracked = call(ROOT, "git", "ls-files", "-z")
    new = call(ROOT, "git", "ls-files", "-z", "--others", "--exclude-standard", "--", *CODE)
    return [
        name
        for name in (tracked + new).split("\0")
        if name and (ROOT / name).is_file() and not name.startswith(RESULTS)
    ]


def call(folder: Path, *command: str) -> str:
    """Run ``command`` in ``folder``, with this Python first, and return what it prints.

    Raises:
        DataError: it failed; the last line that it printed.
    """
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise DataError(f"{' '.join(command[:3])} in {folder}: {lines[-1] if lines else 'failed'}")
    return done.stdout


def start_workers(copy: Path, *, jobs: int) -> None:
    """Start DVC's workers, which work in the background; their output goes to files of the copy."""
    command = ["dvc", "queue", "start", "--jobs", str(jobs)]
    silent = subprocess.DEVNULL  # a pipe would be held open by the workers
    subprocess.Popen(command, cwd=copy, env=environment(jobs), stdin=silent, stdout=silent, stderr=silent)


def environment(jobs: int = 1) -> dict[str, str]:
    """Return the environment of DVC and its stages, which must import the modules of their own copy.

    Args:
        jobs: how many share the threads of OMP_NUM_THREADS, or of the machine.
    """
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DVC_ROOT", "GIT_DIR")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if jobs > 1:
        kept["OMP_NUM_THREADS"] = str(max(1, int(kept.get("OMP_NUM_THREADS") or os.cpu_count() or 1) // jobs))
    return {**kept, "PATH": path}


def processes(place: Path) -> list[psutil.Process]:
    """Return DVC's workers and the stages that work in the copy."""
    found = []
    for process in psutil.process_iter():
        try:
            ours, words = Path(process.cwd()).is_relative_to(place.resolve()), process.cmdline()
            if ours and any(word.startswith(STAGES) or Path(word).name == "dvc" for word in words):
                found.append(process)
        except (psutil.Error, OSError):  # ended, or another person's
            continue
    return found


def end_processes(place: Path) -> None:
    """End what still works in the copy: workers outlive the command that has started them."""
    while working := processes(place):
        for process in working:
            with suppress(psutil.NoSuchProcess):
                process.kill()  # a stage goes on after its last saved epoch
        psutil.wait_procs(working, timeout=PATIENCE)
