import os

import pytest

from scan_core.machine.peak_memory import new_processes

PEAK = "__import__('scan_core.machine.peak_memory', fromlist=['peak']).peak(__import__('torch').device('cpu')).host"


def test_each_piece_of_work_has_a_process_and_a_peak_of_its_own():
    with new_processes("scan_core.machine.peak_memory") as executor:
        # The text is filled: zeros are no memory before they are written to.
        before, large, after = (
            executor.submit(eval, f"({work}, {PEAK})").result()[1] for work in ("0", "len(b'1' * 2**28)", "0")
        )
        processes = {executor.submit(os.getpid).result() for _ in range(3)}
    assert large - before == pytest.approx(2**28, rel=0.1)
    assert after - before < 2**25
    assert len(processes) == 3
    assert os.getpid() not in processes
