import platform
import resource
import subprocess
import sys

import numpy as np

from scan_core.machine.freed_memory import keep_freed_memory, return_freed_memory

MEGABYTES = 100


def faults_of_a_second_array(setting: str) -> int:
    """Pages that the system cleared for an array that takes the place of another, in a process of its own."""
    command = [sys.executable, "-c", f"from {__name__} import *; print(measure({setting!r}))"]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(setting: str) -> int:
    {"keep": keep_freed_memory, "return": return_freed_memory}[setting]()
    np.empty(MEGABYTES * 10**6, np.uint8).fill(1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.empty(MEGABYTES * 10**6, np.uint8).fill(2)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_an_array_takes_the_place_of_another():
    kept, returned = (faults_of_a_second_array(setting) for setting in ("keep", "return"))
    if platform.libc_ver()[0] == "glibc":  # any other library may do as it likes
        assert 10 * kept < returned
