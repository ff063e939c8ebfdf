"""Every pretext task, by name."""

from collections.abc import Callable

from scan_core.pretext.byol import BYOL
from scan_core.pretext.feature_decoupling import FeatureDecoupling
from scan_core.pretext.moco import MoCo
from scan_core.pretext.nce import NCE
from scan_core.pretext.rotnet import RotNet
from scan_core.pretext.simclr import SimCLR
from scan_core.pretext.task import Task
from scan_core.pretext.vicreg import VICReg

TASKS: dict[str, Callable[..., Task]] = {
    "simclr": SimCLR,
    "nce": NCE,
    "moco": MoCo,
    "rotnet": RotNet,
    "feature_decoupling": FeatureDecoupling,
    "byol": BYOL,
    "vicreg": VICReg,
}
"""Call with an encoder and, by keyword, ``images`` (the number of training images), ``batch_size`` and the task's own
settings. Random numbers come from PyTorch's global generator."""
