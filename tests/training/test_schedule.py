from itertools import pairwise

import pytest

from scan_core.training.schedule import warmup_cosine


def test_rises_then_falls_to_the_final_share():
    rates = [warmup_cosine(step, total=110, warmup=10, peak=2.0, final=0.01) for step in range(110)]
    assert rates[:10] == pytest.approx([0.2 * (step + 1) for step in range(10)])
    assert rates[10] == 2.0
    assert rates[60] == pytest.approx(2.0 * (0.01 + 0.99 / 2))
    assert rates[-1] == pytest.approx(0.02, abs=1e-3)
    assert all(later < earlier for earlier, later in pairwise(rates[10:]))


def test_without_warmup_starts_at_the_peak():
    assert warmup_cosine(0, total=5, warmup=0, peak=3.0, final=0.0) == 3.0
