"""A copy of this project in another folder, in which the tables' runs are queued; the project does not change."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from dvc.repo import Repo

from scan_core.errors import DataError, ParamsError

ROOT = Path(__file__).resolve().parents[2]
KEPT = ".resume"
"""Folder that a new copy keeps from the previous one: interrupted trainings continue from it."""
MARK = ".made-by-benchmarks-paper"
"""The file that marks a folder as a copy; other folders are never changed."""
CODE = ("benchmarks", "presets", "scan_core", "stages")
LEFT_OUT = ("benchmarks/results/", "benchmarks/paper/results/", "docs/", "tests/")
"""Folders of the project that no run reads; git copies each file for each run."""
PATIENCE = 10
"""Seconds to wait for a process to end."""
STAGES = ("stages.", "benchmarks.paper.oracle")
"""Prefixes by which a stage's command line is recognized."""


def default_copy() -> Path:
    """Return the copy's folder, one for each checkout of the project."""
    return Path(tempfile.gettempdir()) / f"scan-paper-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"


def shown_path(path: Path) -> Path:
    """Return a path relative to the project if it is inside, for messages."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


@contextmanager
def held(place: Path) -> Iterator[None]:
    """Lock ``place``, so that no other queue works there.

    Raises:
        ParamsError: another queue works there, or the folder is part of the project.
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
    """Make ``place`` a git repository with the present files of this working tree; it shares DVC's cache.

    Raises:
        ParamsError: the folder has files, but is not a copy of the project.
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
    """Return the tracked files and new, not ignored files of the code, without those that no run reads."""
    tracked = call(ROOT, "git", "ls-files", "-z")
    new = call(ROOT, "git", "ls-files", "-z", "--others", "--exclude-standard", "--", *CODE)
    return [
        name
        for name in (tracked + new).split("\0")
        if name and (ROOT / name).is_file() and not name.startswith(LEFT_OUT)
    ]


def call(folder: Path, *command: str, attempts: int = 1) -> str:
    """Run ``command`` in ``folder``, with this Python first on the path, and return its output.

    Args:
        attempts: how often the command is tried at most, a second apart.

    Raises:
        DataError: it failed; the message has the first line of its output that names an error, or else the last line.
    """
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    if not done.returncode:
        return done.stdout
    if attempts > 1:
        time.sleep(1)
        return call(folder, *command, attempts=attempts - 1)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR", "error:", "fatal:"))]
    raise DataError(f"{' '.join(command[:3])} in {folder}: {[*errors, *lines[-1:], 'failed'][0]}")


def start_workers(copy: Path, *, jobs: int) -> None:
    """Start DVC's workers in the background; DVC writes their output to files of the copy."""
    command = ["dvc", "queue", "start", "--jobs", str(jobs)]
    silent = subprocess.DEVNULL  # a pipe would be held open by the workers
    subprocess.Popen(command, cwd=copy, env=environment(jobs), stdin=silent, stdout=silent, stderr=silent)


def environment(jobs: int = 1) -> dict[str, str]:
    """Return the environment of DVC and its stages, which must import the modules of their own copy.

    Args:
        jobs: number of runs that share the threads of OMP_NUM_THREADS, or of the machine.
    """
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DVC_ROOT", "GIT_DIR")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if jobs > 1:
        kept["OMP_NUM_THREADS"] = str(max(1, int(kept.get("OMP_NUM_THREADS") or os.cpu_count() or 1) // jobs))
    return {**kept, "PATH": path}


def processes(place: Path) -> list[psutil.Process]:
    """Return DVC's workers and the stages that run in the copy."""
    found = []
    for process in psutil.process_iter():
        try:
            ours, words = Path(process.cwd()).is_relative_to(place.resolve()), process.cmdline()
            if ours and any(word.startswith(STAGES) or Path(word).name == "dvc" for word in words):
                found.append(process)
        except (psutil.Error, OSError):  # ended, or another user's
            continue
    return found


def end_processes(place: Path) -> None:
    """End all workers and stages in the copy: workers outlive the command that started them."""
    while working := processes(place):
        for process in working:
            with suppress(psutil.NoSuchProcess):
                process.kill()  # a stage continues later after its last saved epoch
        psutil.wait_procs(working, timeout=PATIENCE)
