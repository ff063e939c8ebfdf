"""Saying that a clustering has gone to few clusters, or learns from few images."""

from scan_core.errors import TrainingError

BALANCE = "raise scan.entropy_weight"


def collapse_warning(*, used: int, clusters: int, largest: float, remedy: str) -> str | None:
    """What to tell a person about cluster sizes, or None where all is well.

    Args:
        used: clusters that hold an image, of ``clusters``.
        largest: the largest cluster's share of the images; up to a half, or 1.5 times an equal share, is fine.
        remedy: which parameter to change, and how.
    """
    if used == clusters and largest <= max(0.5, 1.5 / clusters):
        return None
    return (
        f"{used} of {clusters} clusters hold an image, and the largest holds {largest:.0%} of them; where this is not "
        f"wanted, {remedy}, or lower scan.clusters if there are fewer kinds of images"
    )


def few_confident_warning(*, confident: int, images: int, threshold: float) -> str | None:
    """What to tell a person about the images of the first epoch, or None where 5 % of them were confident."""
    if confident >= 0.05 * images:
        return None
    return (
        f"in the first epoch only {confident} of {images} images had a probability above {threshold}, too few to "
        "learn from; lower self_label.threshold, or train the SCAN step longer (scan.epochs)"
    )


def untaught_warning(*, taught: int, clusters: int, threshold: float) -> str | None:
    """What to tell a person about clusters without a pseudo-label in the first epoch, or None where each has one."""
    if taught == clusters:
        return None
    return (
        f"in the first epoch only {taught} of {clusters} clusters had an image with a probability above {threshold}, "
        "and only these are learned from; lower self_label.threshold, or train the SCAN step longer (scan.epochs)"
    )


def check_confident(confident: float, *, threshold: float) -> None:
    """Raise TrainingError where no image was ``confident`` in an epoch of self-labeling."""
    if not confident:
        raise TrainingError(
            f"no image is assigned with a probability above {threshold}; lower self_label.threshold, train the SCAN "
            "step longer (scan.epochs), or see its own clusters with self_label.epochs: 0"
        )


def check_taught(taught: int, *, clusters: int, threshold: float) -> None:
    """Raise TrainingError where an epoch's pseudo-labels were all of one cluster: every image would go there."""
    if taught == 1:
        raise TrainingError(
            f"all images with a probability above {threshold} are in one of {clusters} clusters; lower "
            "self_label.learning_rate or self_label.threshold, or see the SCAN step's own clusters with "
            "self_label.epochs: 0"
        )
