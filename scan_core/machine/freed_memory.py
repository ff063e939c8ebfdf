"""What the C library does with memory that is freed: tensors on processors come and go in every step."""

import ctypes
import sys

# Options of glibc's mallopt, from its malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4


def keep_freed_memory() -> None:
    """Let this process use again what it frees, where the C library is glibc.

    Otherwise it gives every tensor of more than 32 MB back to the system, which has to clear as much for the next one:
    a sixth to a third of a training step of 512 images of 32 px. The memory that the process holds stays at its peak.
    """
    _set({_MMAP_MAX: 0, _TRIM_THRESHOLD: -1})


def return_freed_memory() -> None:
    """Undo :func:`keep_freed_memory`; the numbers are those that glibc comes to by itself with large tensors."""
    _set({_MMAP_MAX: 65_536, _MMAP_THRESHOLD: 2**25, _TRIM_THRESHOLD: 2**26})


def _set(options: dict[int, int]) -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        for option, value in options.items():
            mallopt(option, value)
