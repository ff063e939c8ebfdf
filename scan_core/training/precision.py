"""The number format of the encoder's arithmetic; losses always stay in float32."""

import torch

from scan_core.console.progress import say

BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")
"""Names of CPU instructions in ``torch.cpu.get_capabilities``; any one suffices."""


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return a context in which matrix products and convolutions run in ``precision``.

    ``bfloat16`` counts only if the device :func:`computes_in_bfloat16`; otherwise it is float32."""
    enabled = precision == "bfloat16" and computes_in_bfloat16(device)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def computes_in_bfloat16(device: torch.device) -> bool:
    """Return whether ``device`` has bfloat16 instructions; others emulate it, 10 to 20 times slower than float32."""
    if device.type == "cuda":  # pragma: gpu
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return True
    processor = torch.cpu.get_capabilities()
    onednn = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
    return onednn and any(processor.get(name) for name in BFLOAT16_INSTRUCTIONS)


def say_if_float32(precision: str, device: torch.device) -> None:
    """Tell the user if :func:`autocast` will not use the requested ``precision``."""
    if precision == "bfloat16" and not computes_in_bfloat16(device):
        say(f"precision: bfloat16 needs instructions that this {device.type} lacks; computing in float32")
