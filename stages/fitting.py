"""Adjust parameters to the data: lower values that are too large for few images, replace ``auto`` by a number."""

from typing import Literal

from scan_core.artifacts.cluster_count import ClusterCount, read_cluster_count
from scan_core.console.progress import warn
from stages.params import Params
from stages.paths import CLUSTERS


def cluster_count(asked: int | Literal["auto"]) -> ClusterCount:
    """Return the number of clusters: ``asked``, the value of ``scan.clusters``, or count-clusters' suggestion."""
    return read_cluster_count(CLUSTERS) if asked == "auto" else ClusterCount(asked, suggested_from=None)


def with_cluster_count(config: Params, clusters: int) -> Params:
    """Return the parameters with ``clusters`` as ``scan.clusters``, in place of ``auto``."""
    return config.model_copy(update={"scan": config.scan.model_copy(update={"clusters": clusters})})


def with_fitting_batch(config: Params, section: str, *, images: int, devices: int) -> Params:
    """Lower ``batch_size`` of a training's ``section`` to the number of its images, or to the next multiple below.

    Args:
        devices: number of devices, which share each batch equally. If there are fewer images than devices, the
            batch size stays, and the training raises an error.
    """
    step, most = getattr(config, section), images - images % devices
    if step.batch_size <= most or not most:
        return config
    _warn(f"{section}.batch_size", step.batch_size, most, f"since there are only {images} images to learn from")
    return config.model_copy(update={section: step.model_copy(update={"batch_size": most})})


def with_fitting_neighbors(config: Params, *, images: int) -> Params:
    """Lower ``neighbors.k`` to a fifth of the training images: most of any further neighbors have other classes."""
    neighbors, most = config.neighbors, max(1, images // 5)
    if neighbors.k <= most:
        return config
    _warn("neighbors.k", neighbors.k, most, f"about a fifth of the {images} training images")
    return config.model_copy(update={"neighbors": neighbors.model_copy(update={"k": most})})


def _warn(key: str, asked: int, lowered: int, why: str) -> None:
    warn(f"{key}: {asked} is lowered to {lowered}, {why}")
