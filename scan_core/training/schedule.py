"""Learning rates as functions of the step."""

import math


def warmup_cosine(step: int, *, total: int, warmup: int, peak: float, final: float) -> float:
    """Rise linearly to ``peak`` over ``warmup`` steps, then fall as a half cosine to ``final * peak`` (Loshchilov,
    2017).

    Args:
        step: 0..total-1.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, total - warmup)
    return peak * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress)))
