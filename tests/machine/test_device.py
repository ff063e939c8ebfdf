import pytest
import torch

from scan_core.errors import ParamsError
from scan_core.machine.device import choose_device


def test_auto_finds_one():
    assert choose_device("auto").type in ("cuda", "mps", "cpu")
    assert choose_device("cpu") == torch.device("cpu")


def test_a_device_that_is_not_here_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ParamsError, match=r"runtime\.device: cuda is not available here"):
        choose_device("cuda")
