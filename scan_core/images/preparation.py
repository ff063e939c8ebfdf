"""What fetch does to each image, kept in every model's metadata so that new images get the same."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scan_core.errors import ArtifactError
from scan_core.images.resize import INTERPOLATION


class Preparation(NamedTuple):
    """How images are prepared, by :func:`scan_core.ingest.prepare.prepare`."""

    image_size: int
    """Pixels per side."""
    interpolation: str = INTERPOLATION


def preparation_of(path: Path, metadata: Mapping[str, Any]) -> Preparation:
    """Return how to prepare images for the model of the file ``path``.

    Args:
        metadata: the model's metadata, with ``image_size`` and, except in old models, ``preparation``.

    Raises:
        ArtifactError: its images were prepared in a way that this version does not know.
    """
    known = Preparation(metadata["image_size"])
    expected, found = known._asdict(), metadata.get("preparation", known._asdict())
    if found != expected:
        raise ArtifactError(
            f"{path}: made for images prepared with {found}, expected {expected}: this version cannot prepare new ones "
            "so; take the version that made the model, or run dvc repro"
        )
    return known
