"""The number format of the encoder's arithmetic; losses always stay in float32."""

import torch


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Context in which matrix products and convolutions run in ``precision``: ``float32`` or ``bfloat16``."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")
