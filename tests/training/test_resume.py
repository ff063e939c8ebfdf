from pathlib import Path

import pytest
import torch

from scan_core.training import resume
from scan_core.training.resume import SHARE_OF_TIME, Resume


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as the module sees it, in its only element."""
    now = [0.0]
    monkeypatch.setattr(resume.time, "monotonic", lambda: now[0])
    return now


def test_saving_takes_no_more_than_its_share_of_the_time(tmp_path: Path, clock: list[float]):
    kept = Resume(tmp_path)
    saved: list[int] = []

    def state() -> dict[str, torch.Tensor]:
        clock[0] += 2.0  # to take and write it
        saved.append(epoch)
        return {"step": torch.tensor(epoch)}

    for epoch in range(1, 101):
        clock[0] += 1.0
        kept.save(state, [{"loss": 0.0}] * epoch)
    assert saved[0] == 1  # the first at once
    assert 2.0 * len(saved) <= SHARE_OF_TIME * clock[0] + 2.0
    last, history = Resume(tmp_path).load() or ({}, [])
    assert int(last["step"]) == len(history) == saved[-1] > 50


def test_the_last_epoch_is_saved_in_any_case(tmp_path: Path, clock: list[float]):
    kept = Resume(tmp_path)
    for epoch in (1, 2, 3):
        kept.save(lambda: clock.append(clock.pop() + 2.0) or {"step": torch.tensor(0)}, [{"loss": 0.0}] * epoch)
    assert len((kept.load() or ({}, []))[1]) == 1
    kept.save(lambda: {"step": torch.tensor(0)}, [{"loss": 0.0}] * 4, last=True)
    assert len((kept.load() or ({}, []))[1]) == 4


def test_where_saving_is_quick_every_epoch_is_saved(tmp_path: Path, clock: list[float]):
    kept = Resume(tmp_path)
    for epoch in range(1, 4):
        clock[0] += 1.0
        kept.save(lambda: {"step": torch.tensor(0)}, [{"loss": 0.0}] * epoch)
        assert len((kept.load() or ({}, []))[1]) == epoch


@pytest.mark.parametrize("damage", ["payload", "name", "history"])
def test_a_damaged_state_is_not_gone_on_from(damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    state = {"encoder.weight": torch.arange(6.0).view(2, 3), "step": torch.tensor(3)}
    Resume(tmp_path).save(lambda: state, [{"loss": 0.5}])
    found, history = Resume(tmp_path).load() or ({}, [])
    assert torch.equal(found["encoder.weight"], state["encoder.weight"])
    assert history == [{"loss": 0.5}]
    file = tmp_path / "state.safetensors"
    content = file.read_bytes()
    old, new = {
        "payload": (content[-1:], bytes([content[-1] ^ 1])),
        "name": (b"encoder.weight", b"encodes.weight"),
        "history": (b"0.5", b"0.7"),
    }[damage]
    start = content.rindex(old)
    file.write_bytes(content[:start] + new + content[start + len(old) :])
    assert Resume(tmp_path).load() is None
    assert "starting anew" in capsys.readouterr().err
