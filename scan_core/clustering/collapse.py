"""Saying that a clustering has gone to few clusters, or learns from few images."""

BALANCE = "raise scan.entropy_weight"


def collapse_warning(*, used: int, clusters: int, largest: float, remedy: str = BALANCE) -> str | None:
    """What to tell a person about cluster sizes, or None where all is well.

    Args:
        used: clusters that hold an image, of ``clusters``.
        largest: the largest cluster's share of the images; up to a half, or 1.5 times an equal share, is fine.
    """
    if used == clusters and largest <= max(0.5, 1.5 / clusters):
        return None
    return (
        f"{used} of {clusters} clusters hold an image, and the largest holds {largest:.0%} of them; where this is not "
        f"wanted, {remedy}, or lower scan.clusters if there are fewer kinds of images"
    )


def few_confident_warning(*, confident: int, images: int, threshold: float) -> str | None:
    """What to tell a person about the images that self-labeling began with, or None where they are at least 5 %."""
    if confident >= 0.05 * images:
        return None
    return (
        f"after the first epoch only {confident} of {images} images had a probability above {threshold}, too few to "
        "learn from; lower self_label.threshold, or train the SCAN step longer (scan.epochs)"
    )
