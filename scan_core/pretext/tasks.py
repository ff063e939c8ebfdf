"""Every pretext task, by name."""

from collections.abc import Callable

from scan_core.pretext.moco import MoCo
from scan_core.pretext.nce import NCE
from scan_core.pretext.simclr import SimCLR
from scan_core.pretext.task import Task

TASKS: dict[str, Callable[..., Task]] = {"simclr": SimCLR, "nce": NCE, "moco": MoCo}
"""Called with an encoder; by keyword with ``images`` (how many there are to learn from), ``batch_size`` and the
settings of the task's own. Random numbers come from PyTorch's global generator."""
