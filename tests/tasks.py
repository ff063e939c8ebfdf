"""Every pretext task, as small as it can be: functions from an encoder, the images and the batch size to the task."""

from collections.abc import Callable
from functools import partial

from scan_core.pretext.byol import BYOL
from scan_core.pretext.feature_decoupling import FeatureDecoupling
from scan_core.pretext.moco import MoCo
from scan_core.pretext.nce import NCE
from scan_core.pretext.rotnet import RotNet
from scan_core.pretext.simclr import SimCLR
from scan_core.pretext.task import Task
from scan_core.pretext.vicreg import VICReg

HEAD = {"hidden_dim": 8, "projection_dim": 4, "batch_norm": True}
BANK = {"projection_dim": 4, "batch_norm": True, "negatives": 16, "temperature": 0.5, "bank_momentum": 0.5}
WEIGHTS = {"invariance_weight": 25.0, "variance_weight": 25.0, "covariance_weight": 1.0}
SMALL_TASKS: dict[str, Callable[..., Task]] = {
    "simclr": partial(SimCLR, temperature=0.5, **HEAD),
    "nce": partial(NCE, proximal_weight=0.1, **BANK),
    "moco": partial(MoCo, temperature=0.5, queue=20, momentum=0.9, norm_group=2, **HEAD),
    "rotnet": RotNet,
    "feature_decoupling": partial(FeatureDecoupling, **BANK),
    "byol": partial(BYOL, momentum=0.9, **HEAD),
    "vicreg": partial(VICReg, **WEIGHTS, **HEAD),
}
