"""Adjust parameters to the data: values too large for a small folder are lowered, ``auto`` becomes a number."""

from typing import Literal

from scan_core.artifacts.cluster_count import ClusterCount, read_cluster_count
from scan_core.console.progress import warn
from stages.params import Params
from stages.paths import CLUSTERS


def cluster_count(asked: int | Literal["auto"]) -> ClusterCount:
    """Return the number that ``asked``, of ``scan.clusters``, stands for: itself, or what count-clusters suggests."""
    return read_cluster_count(CLUSTERS) if asked == "auto" else ClusterCount(asked, suggested_from=None)


def with_cluster_count(config: Params, clusters: int) -> Params:
    """Put ``clusters`` in the place of ``scan.clusters: auto``."""
    return config.model_copy(update={"scan": config.scan.model_copy(update={"clusters": clusters})})


def with_fitting_batch(config: Params, section: str, *, images: int, devices: int) -> Params:
    """Lower ``batch_size`` of a training's ``section`` to the number of its images, or to the next multiple below.

    Args:
        devices: they share each batch equally. If there are fewer images than devices, the training refuses them.
    """
    step, most = getattr(config, section), images - images % devices
    if step.batch_size <= most or not most:
        return config
    _warn(f"{section}.batch_size", step.batch_size, most, f"{images} images to learn from")
    return config.model_copy(update={section: step.model_copy(update={"batch_size": most})})


def with_fitting_neighbors(config: Params, *, images: int) -> Params:
    """Lower ``neighbors.k`` to a fifth of the training images, since of more neighbors most are of other classes."""
    neighbors, most = config.neighbors, max(1, images // 5)
    if neighbors.k <= most:
        return config
    _warn("neighbors.k", neighbors.k, most, f"{images} training images")
    return config.model_copy(update={"neighbors": neighbors.model_copy(update={"k": most})})


def _warn(key: str, asked: int, lowered: int, there: str) -> None:
    warn(f"{key}: {asked} is lowered to {lowered}, for there are only {there}")
