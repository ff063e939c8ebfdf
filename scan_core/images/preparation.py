"""What fetch does to each image: written beside the images and into every model, so that new ones get the same."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scan_core.errors import ArtifactError
from scan_core.images.resize import INTERPOLATION


class Preparation(NamedTuple):
    """The whole of it; :func:`scan_core.ingest.prepare.prepare` does it."""

    image_size: int
    """Pixels per side."""
    interpolation: str = INTERPOLATION


def preparation_of(path: Path, metadata: Mapping[str, Any]) -> Preparation:
    """Return how to prepare images for the model of the file ``path``.

    Args:
        metadata: the model's, with ``image_size`` and, unless it is from before there was any choice, ``preparation``.

    Raises:
        ArtifactError: its images were prepared in a way that is not known here.
    """
    known = Preparation(metadata["image_size"])
    expected, found = known._asdict(), metadata.get("preparation", known._asdict())
    if found != expected:
        raise ArtifactError(
            f"{path}: made for images prepared with {found}, expected {expected}: this version cannot prepare new ones "
            "so; take the version that made the model, or run dvc repro"
        )
    return known
