import errno
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from scan_core.errors import DataError
from stages.cli import run
from tests.pipeline import STAGES, environment, start_stage


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (DataError("pictures: missing"), 1, "error: pictures: missing\n"),
        (
            MemoryError("Unable to allocate 9 GiB"),
            1,
            "error: out of memory (Unable to allocate 9 GiB); lower batch_size",
        ),
        (RuntimeError("CUDA out of memory. Tried\nmore"), 1, "error: out of memory (CUDA out of memory. Tried); lower"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you"), 1, "error: out of memory"),
        (
            OSError(errno.ENOMEM, "Cannot allocate memory"),
            1,
            "error: out of memory ([Errno 12] Cannot allocate memory)",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            1,
            "error: standard output or a file under reports/: No space",
        ),
        (KeyboardInterrupt(), 130, "interrupted; run the same command"),
    ],
)
def test_failures_end_with_one_line(
    error: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def main(name: str = "x") -> None:
        """Fail."""
        raise error

    monkeypatch.setattr("sys.argv", ["stage"])
    with pytest.raises(SystemExit) as ended:
        run(main)
    assert ended.value.code == status
    assert capsys.readouterr().err.startswith(said)


def test_a_launcher_is_told_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def main() -> None:
        raise DataError("pictures: missing")

    monkeypatch.setattr("sys.argv", ["stage"])
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    with pytest.raises(SystemExit):
        run(main)
    assert json.loads((tmp_path / "error.json").read_text()) == {"message": "error: pictures: missing"}
    assert capsys.readouterr().err == "error: pictures: missing\n"  # torchrun from outside: nobody else says it


WARNINGS = """
import sys
sys.argv = ["-m"]  # as it is where python -m imports the package of its module
import stages, warnings
warnings.warn("a library, while it is imported", FutureWarning)
from scan_core.console.progress import warn
from stages.cli import run
sys.argv = ["stage"]
run(lambda: (warnings.warn("a library at work", UserWarning), warn("ours")))
"""


def test_only_the_project_s_own_warnings_reach_the_terminal(tmp_path: Path):
    def said(*options: str) -> str:
        command = [sys.executable, *options, "-c", WARNINGS]
        return subprocess.run(command, env=environment(tmp_path), check=True, capture_output=True, text=True).stderr

    assert said() == "warning: ours\n"
    for warning in ("FutureWarning: a library, while it is imported\n", "UserWarning: a library at work\n"):
        assert warning in said("-W", "default")


def end_of(error: Exception, patch: pytest.MonkeyPatch, folder: Path, *options: str) -> object:
    """The exit status of a stage in ``folder`` that fails with ``error``."""

    def main() -> None:
        """Fail."""
        raise error

    patch.chdir(folder)
    patch.setenv("DVC_ROOT", str(folder))
    patch.setenv("SCAN_DEBUG", "")
    patch.setattr("sys.argv", ["stage", *options])
    with pytest.raises(SystemExit) as ended:
        run(main)
    return ended.value.code


def test_an_unexpected_error_is_one_line_and_its_traceback_is_kept(tmp_path: Path, monkeypatch, capsys):
    assert end_of(RuntimeError("a bug\nin detail"), monkeypatch, tmp_path) == 1
    kept = tmp_path / ".resume" / "traceback.txt"
    said = f"error: RuntimeError: a bug; this looks like a fault of the program: the traceback is in {kept}"
    assert capsys.readouterr().err == f"{said}\n"
    assert "in detail" in kept.read_text()
    assert "raise error" in kept.read_text()


def test_where_a_traceback_cannot_be_kept_it_is_shown(tmp_path: Path, monkeypatch, capsys):
    (tmp_path / ".resume").touch()
    assert end_of(RuntimeError("a bug"), monkeypatch, tmp_path) == 1
    said = capsys.readouterr().err
    assert "raise error" in said
    assert said.endswith("--debug shows more\n")


@pytest.mark.parametrize("error", [RuntimeError("a bug"), DataError("pictures: missing")])
def test_debug_shows_the_traceback_before_the_line(error: Exception, tmp_path: Path, monkeypatch, capsys):
    assert end_of(error, monkeypatch, tmp_path, "--debug") == 1
    *traceback, line = capsys.readouterr().err.splitlines()
    assert traceback[0] == "Traceback (most recent call last):"
    assert line.startswith("error: ")
    assert os.environ["SCAN_DEBUG"] == "1"  # for further processes


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_help_says_what_a_stage_reads_and_writes(
    stage: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["stage", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(stage.__name__, run_name="__main__")
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert {"reads", "writes", "--params", "--debug"} <= set(said.lower().split())


STAGE = "import time; from stages.cli import run; run(lambda: (print('at work', flush=True), time.sleep(60)))"
PARENT = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', sys.argv[1]]); child.wait()"


def test_a_stage_ends_with_the_dvc_that_started_it(tmp_path: Path):
    everything = {**environment(tmp_path), "DVC_ROOT": str(tmp_path)}
    command = [sys.executable, "-c", PARENT, STAGE]
    dvc = subprocess.Popen(command, env=everything, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert dvc.stdout is not None
    assert dvc.stdout.readline() == "at work\n"
    dvc.kill()
    start = time.monotonic()
    assert dvc.communicate(timeout=30)[1].startswith("DVC has ended, and so does this stage")  # its child has the pipe
    assert time.monotonic() - start < 10


def test_ctrl_c_while_libraries_are_imported(tmp_path: Path):
    stage = start_stage(tmp_path, "embed")
    limit = time.monotonic() + 60
    while "_multiarray_umath" not in Path(f"/proc/{stage.pid}/maps").read_text():
        assert time.monotonic() < limit
    stage.send_signal(signal.SIGINT)
    assert stage.communicate(timeout=30)[1] == "interrupted\n"
    assert stage.returncode == 130


TALK = "import sys, time; from stages.cli import run; from scan_core.console.progress import say, tell; "
LATER = "open('done', 'w').close()"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_who_has_left_ends_nothing(stream: str, tmp_path: Path):
    speak = {"stdout": "tell", "stderr": "say"}[stream]
    main = f"lambda: ({speak}('first'), sys.stdin.readline(), {speak}('second'), {speak}('third'), {LATER})"
    pipes = {"stdin": subprocess.PIPE, stream: subprocess.PIPE}
    command = [sys.executable, "-c", f"{TALK}run({main})"]
    stage = subprocess.Popen(command, env=environment(tmp_path), cwd=tmp_path, text=True, **pipes)
    pipe = getattr(stage, stream)
    assert pipe.readline() == "first\n"
    pipe.close()
    assert stage.stdin is not None
    stage.stdin.write("\n")
    stage.stdin.close()
    assert stage.wait(timeout=60) == 0
    assert (tmp_path / "done").exists()


def test_no_stream_at_all_ends_nothing(tmp_path: Path):
    script = f"{TALK}sys.stdout = sys.stderr = None; run(lambda: (tell('x'), say('y'), {LATER}))"
    subprocess.run([sys.executable, "-c", script], env=environment(tmp_path), cwd=tmp_path, check=True)
    assert (tmp_path / "done").exists()


def test_a_name_that_the_locale_cannot_say_ends_nothing(tmp_path: Path):
    everything = {**environment(tmp_path), "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", f"{TALK}run(lambda: tell('caf\\xe9'))"]
    done = subprocess.run(command, env=everything, cwd=tmp_path, check=True, capture_output=True)
    assert done.stdout == b"caf\\xe9\n"


def test_a_notebook_s_backend_ends_nothing(tmp_path: Path):
    everything = {**environment(tmp_path), "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    command = [sys.executable, "-c", "import stages, matplotlib.axes"]
    subprocess.run(command, env=everything, cwd=tmp_path, check=True)
