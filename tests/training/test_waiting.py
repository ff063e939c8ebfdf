"""Several runs of the same training at once: one trains, those that waited find what it has made."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
import torch

from scan_core.training.lock import exclusive
from scan_core.training.resume import hold

HISTORY = [{"loss": 0.5}]


def start(count: int, function: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> list[Thread]:
    """Threads that call ``function`` and have begun to wait; each has said so in one line, and nothing else."""
    threads = [Thread(target=function) for _ in range(count)]
    for thread in threads:
        thread.start()
    limit, said = time.monotonic() + 10, ""
    while said.count("\n") < count:
        assert time.monotonic() < limit
        time.sleep(0.01)
        said += capsys.readouterr().err
    assert said == count * f"waiting: process {os.getpid()} is at the same training; kill it to take over\n"
    return threads


def test_a_lock_tells_whether_others_wait(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    found = []

    def wait() -> None:
        with exclusive(tmp_path / "x.lock") as awaited:
            found.append(awaited())

    with exclusive(tmp_path / "x.lock") as awaited:
        (thread,) = start(1, wait, capsys)
        assert awaited()
        assert not found
    thread.join()
    assert found == [False]


def test_those_who_waited_find_the_result_and_the_last_one_clears(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder, found = tmp_path / "training", []

    def run() -> None:
        with hold(folder) as state:
            found.append((state.load() or ({}, []))[1])
            state.save(lambda: {"step": torch.tensor(1)}, HISTORY)
            state.clear()

    with hold(folder) as state:
        threads = start(2, run, capsys)
        state.save(lambda: {"step": torch.tensor(1)}, HISTORY)
        state.clear()
    for thread in threads:
        thread.join()
    assert found == [HISTORY, HISTORY]
    assert not folder.exists()
