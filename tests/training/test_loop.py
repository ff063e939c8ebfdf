"""The loop over epochs, with a training that does nothing."""

from collections.abc import Mapping
from pathlib import Path
from threading import Thread

import pytest
from torch import Tensor

from scan_core.training.loop import train
from scan_core.training.resume import hold
from scan_core.training.state import State


class Nothing:
    def run_epoch(self) -> dict[str, float]:
        return {"loss": 0.5, "skipped_steps": 0.0}

    def state_dict(self) -> State:
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        pass


def test_no_thread_is_started_at_whose_start_ctrl_c_would_be_waited_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(thread: Thread) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Thread, "start", interrupted)
    with hold(tmp_path / "state") as resume:
        history = train(Nothing(), report=tmp_path / "report", epochs=3, resume=resume, shown=("loss",))
    assert [epoch["loss"] for epoch in history] == [0.5] * 3
    curve = (tmp_path / "report/live/plots/metrics/loss.tsv").read_text()
    assert curve.splitlines()[1:] == ["0\t0.5", "1\t0.5", "2\t0.5"]
