import sys

import pytest

from scan_core.runtime import progress
from scan_core.runtime.progress import epoch_progress, steps, track, warn


def test_plain_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]):
    assert list(track(range(3), description="embed", total=3)) == [0, 1, 2]
    with epoch_progress("scan_train", done=1, total=3) as report:
        report(2, {"loss": 1.23456})
        report(3, {"loss": 1.0})
    warn("look here")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "embed: 3"
    assert lines[1].startswith("scan_train: epoch 2/3, loss 1.235, ")
    assert lines[2] == "scan_train: epoch 3/3, loss 1, 0 s left"
    assert lines[3] == "warning: look here"


def test_the_time_left_goes_with_the_epochs_costs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    clock = iter([0, 10])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with epoch_progress("pretext_train", done=1, total=4, costs=[0.5, 0.5, 1.0, 1.0]) as report:
        report(2, {})  # 10 s for half an epoch
    assert capsys.readouterr().err.endswith("40 s left\n")


def test_a_long_epoch_says_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    # One step every 15 s by this clock: after 30 s of silence it speaks, with the 2 steps that took 30 s behind it.
    clock = iter(range(0, 1000, 15))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    assert list(steps("abcd", total=4)) == ["a", "b", "c", "d"]
    assert (
        capsys.readouterr().err == "step 1/4 of this epoch, 90 s left in it\nstep 3/4 of this epoch, 20 s left in it\n"
    )


def test_bars_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(track(range(3), description="embed", total=3)) == [0, 1, 2]
    with epoch_progress("scan_train", done=0, total=1) as report:
        report(1, {"loss": 1.0})
    shown = capsys.readouterr().err
    assert "embed" in shown
    assert "3/3" in shown
    assert "loss" in shown
