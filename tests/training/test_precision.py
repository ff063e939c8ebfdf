import pytest
import torch

from scan_core.training.precision import BFLOAT16_INSTRUCTIONS, autocast, computes_in_bfloat16, say_if_float32

CPU = torch.device("cpu")


@pytest.fixture(params=[*BFLOAT16_INSTRUCTIONS, None])
def instruction(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """The only instruction of a processor; None: one without any for bfloat16."""
    capabilities = {"avx2": True, "avx512_bf16": False, request.param: True}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    return request.param


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_products_are_in_bfloat16_where_the_processor_has_it(instruction, precision, capsys):
    ones = torch.ones(2, 2)
    with autocast(CPU, precision):
        product = ones @ ones
    say_if_float32(precision, CPU)
    imitated = precision == "bfloat16" and instruction is None
    assert product.dtype == (torch.bfloat16 if precision == "bfloat16" and instruction else torch.float32)
    assert ("computing in float32" in capsys.readouterr().err) is imitated


def test_instructions_are_of_no_use_without_the_library_that_has_them(monkeypatch):
    # PyTorch for macOS: its plain loops in bfloat16 are slower than Apple's in float32.
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"bf16": True})
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not computes_in_bfloat16(CPU)
