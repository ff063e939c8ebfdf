from pathlib import Path

import pytest
import torch

from scan_core.errors import ParamsError
from stages.devices import choose_device, compiles, prepare
from stages.params_file import load_params
from stages.use import main as use


@pytest.mark.parametrize(("sizes", "expected"), [(1, True), (2, False)])
def test_a_second_size_of_crops_must_earn_back_its_compiling(sizes: int, expected: bool, tmp_path: Path):
    path = tmp_path / "params.yaml"  # 150 epochs of 97 steps, between one and two times those that compiling takes
    use("cifar10-fast", ["pretext.epochs=150"], params=path)
    config = load_params(path)
    found = compiles(config.runtime, torch.device("cuda"), images=50_000, training=config.pretext, sizes=sizes)
    assert found == expected


@pytest.mark.parametrize(("cuda", "found"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_cuda_or_the_cpu(cuda: bool, found: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device(found)
    assert [choose_device(name).type for name in ("cpu", "mps")] == ["cpu", "mps"]


def test_a_device_that_is_not_here_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ParamsError, match=r"runtime\.device: cuda is not available here"):
        choose_device("cuda")


def test_global_state_is_set_by_prepare_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    choose_device("auto")
    assert not torch.backends.cudnn.deterministic
    prepare(torch.device("cpu"))
    assert torch.backends.cudnn.deterministic
