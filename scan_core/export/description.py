"""What an exported file says of itself, so that it can be used without this project."""

import json

from scan_core.prediction.clusterer import Clusterer

COLORS = {1: "L", 3: "RGB"}
"""Modes of Pillow by the number of channels."""
DESCRIPTION = (
    "uint8 pictures [N, channels, image_size, image_size], channels in the order of mode, to probabilities [N, "
    "clusters]; make a square of a picture as fit says, with Pillow's {interpolation} filter"
)


def describe(clusterer: Clusterer, *, digest: str) -> dict[str, str]:
    """The metadata of the file of this model; values that are no text are JSON.

    Args:
        digest: of the model's own file.
    """
    metadata, preparation = clusterer.metadata, clusterer.preparation
    return {
        "description": DESCRIPTION.format(interpolation=preparation.interpolation),
        "image_size": str(preparation.image_size),
        "channels": str(metadata["channels"]),
        "mode": COLORS[metadata["channels"]],
        "fit": preparation.fit,
        "background": "for each bar the median of the edge that it adjoins" if preparation.fit == "pad" else "none",
        "interpolation": f"{preparation.interpolation}, antialiased",
        "preparation": json.dumps(preparation.described()),
        "clusters": str(clusterer.clusters),
        "names": json.dumps([clusterer.groups.names[group] for group in clusterer.groups.of_cluster]),
        "trained_with": str(metadata.get("trained_with", "not known")),
        "model": f"sha256:{digest}",
    }
