"""Every objective of the clustering step, by name."""

from collections.abc import Callable

from scan_core.clustering.entropy_objective import entropy_objective
from scan_core.clustering.objective import Objective, scan_objective

OBJECTIVES: dict[str, Callable[..., Objective]] = {"scan": scan_objective, "entropy": entropy_objective}
"""Call by keyword with ``entropy_weight``, ``prior`` and ``device``."""
