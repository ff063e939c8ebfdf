"""A table through the real DVC queue, in a clone of this project: a killed queue goes on, and runs nothing twice."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.pipeline import TINY, clone, environment, heed_ctrl_c

TABLE = """
title: Two rows
about: For a test.
rows:
  own: {label: own}
  other: {label: other, set: {scan.entropy_weight: 4.0}}
  wrong: {label: wrong, set: {scan.entropy: 4.0}}
"""


def start(project: Path, copy: Path, *arguments: str) -> subprocess.Popen[str]:
    values = [word for value in TINY for word in ("-S", value)]
    command = [sys.executable, "-m", "benchmarks.paper", *arguments, *values]
    copies = ["--copy", str(copy)] if arguments[0] == "queue" else []
    return subprocess.Popen(
        [*command, *copies],
        cwd=project,
        env=environment(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=heed_ctrl_c,
    )


def finished(project: Path) -> list[tuple[str, int]]:
    """The finished runs: what is set, and the seed."""
    lines = [
        json.loads(line)
        for path in project.glob("benchmarks/paper/results/*/*.jsonl")
        for line in path.read_text().splitlines()
    ]
    return sorted((",".join(line["set"]), line["seed"]) for line in lines)


def working_in(folder: Path) -> list[psutil.Process]:
    return [each for each in psutil.process_iter(["cwd"]) if (each.info["cwd"] or "").startswith(str(folder))]


@pytest.mark.slow
def test_a_killed_queue_goes_on(tmp_path: Path):
    project, copy = clone(tmp_path / "project"), tmp_path / "copy"
    shutil.rmtree(project / "benchmarks/paper/results")
    (project / "benchmarks/paper/tables/two.yaml").write_text(TABLE)
    before = {name: (project / name).read_bytes() for name in ("params.yaml", "dvc.yaml", "dvc.lock")}

    queue = start(project, copy, "queue", "two", "--seeds", "2")
    limit = time.monotonic() + 900
    while not finished(project):
        assert queue.poll() is None, queue.communicate()
        assert time.monotonic() < limit
        time.sleep(0.2)
    queue.send_signal(signal.SIGKILL)
    queue.communicate()
    assert working_in(copy)  # DVC's worker goes on

    text, _ = (queue := start(project, copy, "queue", "two", "--seeds", "2")).communicate(timeout=1800)
    assert finished(project) == [("", 0), ("", 1), ("scan.entropy_weight=4.0", 0), ("scan.entropy_weight=4.0", 1)]
    assert queue.returncode == 1
    assert "wrong, seed 0: scan.entropy: no such key" in text
    assert not working_in(copy)
    assert {name: (project / name).read_bytes() for name in before} == before

    text, _ = start(project, copy, "queue", "two", "--seeds", "2", "--rows", "own,other").communicate(timeout=300)
    assert text.startswith("all results are in benchmarks/paper/results/")
    text, _ = start(project, copy, "show", "two", "--seeds", "2").communicate(timeout=300)
    assert "| other | 2 |" in text
    assert "| wrong | 0 of 2, unfinished |" in text
