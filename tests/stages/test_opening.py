"""What a stage says at its start and its end."""

import json
from pathlib import Path

import pytest
import torch

from stages import opening
from stages.opening import Opening, on

pytestmark = pytest.mark.usefixtures("empty")


def run(work: str, seconds: float, monkeypatch: pytest.MonkeyPatch, *, whole: bool = True) -> None:
    """A stage that takes so long."""
    clock = iter([0.0, seconds])
    monkeypatch.setattr(opening.time, "monotonic", lambda: next(clock))
    Opening("embed", work).close("done", whole=whole)


def test_a_stage_says_how_long_the_same_work_took(monkeypatch: pytest.MonkeyPatch, capsys):
    run("5 images", 80.0, monkeypatch)
    run("6 images", 20.0, monkeypatch)
    run("5 images", 30.0, monkeypatch, whole=False)  # of which a part was done before
    run("5 images", 3.0, monkeypatch)
    run("5 images", 90.0, monkeypatch)
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "embed: 5 images",
        "embed: 6 images",
        "embed: 5 images; it took 1 min 20 s last time",
        "embed: 5 images; it took 1 min 20 s last time",
        "embed: 5 images",  # a few seconds are not worth a word
    ]
    assert said.out.splitlines() == ["embed: done"] * 5


@pytest.mark.parametrize("damage", ["{", "[1]", '{"embed: 5 images": "80"}', "\x00"])
def test_times_that_cannot_be_read_are_none(damage: str, monkeypatch: pytest.MonkeyPatch, capsys, empty: Path):
    run("5 images", 80.0, monkeypatch)
    (file,) = (empty / ".resume").iterdir()
    assert json.loads(file.read_text()) == {"embed: 5 images": 80.0}
    file.write_text(damage)
    run("5 images", 80.0, monkeypatch)
    assert "last time" not in capsys.readouterr().err
    assert json.loads(file.read_text()) == {"embed: 5 images": 80.0}


def test_times_that_cannot_be_kept_end_nothing(monkeypatch: pytest.MonkeyPatch, empty: Path):
    (empty / ".resume").touch()
    run("5 images", 80.0, monkeypatch)


def test_where_a_stage_computes_is_in_words(monkeypatch: pytest.MonkeyPatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert on(cpu) == "on the CPU (1 thread)"
    assert on(cpu, "float32") == "on the CPU (1 thread, float32)"
    monkeypatch.setattr(opening, "computes_in_bfloat16", lambda device: False)
    assert on(cpu, "bfloat16") == "on the CPU (1 thread, float32)"
    monkeypatch.setattr(opening, "processes", lambda: 2)
    assert on(cpu) == "on the CPU (2 x 1 thread)"
