"""What fetch does to each image, kept in every model's metadata so that new images get the same."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scan_core.errors import ArtifactError
from scan_core.images.levels import Levels
from scan_core.images.resize import BILINEAR, FILTERS

FITTED = {
    "crop": "short side to image_size, then center crop",
    "pad": "long side to image_size, then padded, each bar with the median of the edge that it adjoins",
    "stretch": "both sides to image_size",
}
"""What each of the ``FITS`` of ``resize.py`` does."""


class Preparation(NamedTuple):
    """How images are prepared, by :func:`scan_core.ingest.prepare.prepare`."""

    image_size: int
    """Pixels per side."""
    fit: str
    """How a picture that is not square becomes one."""
    levels: Levels = Levels()
    """Which values become black and white in a picture of more than 8 bits."""
    interpolation: str = BILINEAR
    """Which of the ``FILTERS`` of ``resize.py`` resizes."""

    def described(self) -> dict[str, Any]:
        """All that metadata say of it, as JSON values."""
        interpolation = f"{self.interpolation}, antialiased; {FITTED[self.fit]}; JPEG decoded at 2x image_size or more"
        return {**self._asdict(), "levels": self.levels._asdict(), "interpolation": interpolation}


def preparation_of(path: Path, metadata: Mapping[str, Any]) -> Preparation:
    """Return how to prepare images for the model of the file ``path``.

    Args:
        metadata: the model's metadata, with ``image_size`` and, except in old models, ``preparation``.

    Raises:
        ArtifactError: its images were prepared in a way that this version does not know.
    """
    described = metadata.get("preparation", {})
    found = {"fit": "crop", "levels": Levels()._asdict(), **(described if isinstance(described, dict) else {})}
    fit = found["fit"] if found["fit"] in tuple(FITTED) else "crop"
    filter = str(found.get("interpolation")).partition(",")[0]
    interpolation = filter if filter in FILTERS else BILINEAR
    known = Preparation(metadata["image_size"], fit, _levels(found["levels"]), interpolation)
    if "preparation" in metadata and found != known.described():
        raise ArtifactError(
            f"{path}: made for images prepared with {described}, expected {known.described()}: this version cannot "
            "prepare new ones so; take the version that made the model, or run dvc repro"
        )
    return known


def _levels(found: Any) -> Levels:
    """What metadata say of the levels, the usual ones where that is nothing sensible."""
    try:
        levels = Levels(*(0 + found[name] for name in Levels._fields))
        return levels if levels.lowest < levels.highest and levels.lowest_real < levels.highest_real else Levels()
    except (TypeError, KeyError):
        return Levels()
