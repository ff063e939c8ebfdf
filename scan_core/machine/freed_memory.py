"""Tell the C library to keep freed memory: every step on a CPU allocates and frees tensors."""

import ctypes
import sys

# Options of mallopt, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4


def keep_freed_memory() -> None:
    """Let this process reuse the memory that it frees, if the C library is glibc.

    By default, glibc returns every tensor of more than 32 MB to the system, which must clear as much memory for the
    next one: a sixth to a third of a training step of 512 images of 32 px. In return, the process's memory stays at
    its peak.
    """
    _set({_MMAP_MAX: 0, _TRIM_THRESHOLD: -1})


def return_freed_memory() -> None:
    """Undo :func:`keep_freed_memory`, with the values that glibc itself reaches with large tensors."""
    _set({_MMAP_MAX: 65_536, _MMAP_THRESHOLD: 2**25, _TRIM_THRESHOLD: 2**26})


def _set(options: dict[int, int]) -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        for option, value in options.items():
            mallopt(option, value)
