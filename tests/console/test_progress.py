import sys

import pytest

from scan_core.console import progress
from scan_core.console.progress import epoch_progress, steps, tell, track, warn
from scan_core.errors import TrainingError


def test_plain_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]):
    assert list(track(range(3), description="embed", total=3)) == [0, 1, 2]
    with epoch_progress("scan_train", done=1, total=3) as report:
        report(2, {"loss": 1.23456})
        report(3, {"loss": 1.0})
    warn("look here")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["scan_train: epoch 3/3, loss 1", "warning: look here"]


def told(seconds: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The epochs that have a line, when they take so long."""
    times = [sum(seconds[:epoch]) for epoch in range(len(seconds) + 1)]
    clock = iter(times)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with epoch_progress("x", done=0, total=len(seconds)) as report:
        for epoch in range(len(seconds)):
            report(epoch + 1, {})
    return [int(line.split("epoch ")[1].split("/")[0]) for line in capsys.readouterr().err.splitlines()]


def test_a_line_an_epoch_or_every_ten_seconds(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    assert told([1.0] * 25, capsys, monkeypatch) == [10, 20, 25]
    assert told([4.0] * 7, capsys, monkeypatch) == [3, 6, 7]
    assert told([60.0] * 4, capsys, monkeypatch) == [1, 2, 3, 4]
    assert told([0.1], capsys, monkeypatch) == [1]


def test_an_error_leaves_the_last_epoch_told(capsys: pytest.CaptureFixture[str]):
    def fail() -> None:
        with epoch_progress("x", done=0, total=9) as report:
            report(3, {"loss": 2.0})
            raise TrainingError("not finite")

    with pytest.raises(TrainingError):
        fail()
    assert capsys.readouterr().err.startswith("x: epoch 3/9, loss 2, ")


def test_what_takes_long_says_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    # An item takes 8 s: a line after 16 s, and one each time the time has grown by half.
    clock = iter(range(0, 10_000, 8))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    assert list(track(range(9), description="decode", total=9)) == [*range(9)]
    done = [int(line.split(": ")[1].split(" of 9, ")[0]) for line in capsys.readouterr().err.splitlines()]
    assert done == [1, 2, 4, 7]


def test_the_time_left_goes_with_the_epochs_costs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    clock = iter([0, 10])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with epoch_progress("pretext_train", done=1, total=4, costs=[0.5, 0.5, 1.0, 1.0]) as report:
        report(2, {})  # 10 s for half an epoch
    assert capsys.readouterr().err.endswith("40 s left\n")


def test_a_long_epoch_says_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    # One step every 200 s by this clock: it speaks after 400 s, and when the time has grown by half.
    clock = iter(range(0, 10_000, 200))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    assert list(steps("abcd", total=4)) == ["a", "b", "c", "d"]
    assert capsys.readouterr().err.splitlines() == [
        "this epoch: 1 of 4 steps, 20 min 00 s left",
        "this epoch: 2 of 4 steps, 10 min 00 s left",
    ]


def test_bars_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(track(range(3), description="embed", total=3)) == [0, 1, 2]
    with epoch_progress("scan_train", done=0, total=1) as report:
        report(1, {"loss": 1.0})
    shown = capsys.readouterr().err
    assert "embed" in shown
    assert "3/3" in shown
    assert "loss" in shown


@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\u202e", "\u2066", "\r", "\x08"])
def test_what_could_alter_a_terminal_is_an_escape(character: str, capsys: pytest.CaptureFixture[str]):
    tell(f"a{character}b\nc")
    printed = capsys.readouterr().out
    assert character not in printed
    assert printed.startswith("a\\")
    assert printed.endswith("b\nc\n")
