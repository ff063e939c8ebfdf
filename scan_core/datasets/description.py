"""What is known of a dataset before it is opened, and how to open it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from scan_core.datasets.dataset import Dataset, Source


class Place(NamedTuple):
    """Where a dataset and its further files are."""

    source: Source
    downloads: Path
    """The folder for downloads."""
    labels_file: Path | None
    """A CSV file that names the classes; None for datasets that take none."""
    classes_file: Source
    """A list of the classes to use; None for all, and for datasets that take no list."""
    labels: bool = True
    """Whether labels are wanted; if not, a dataset need not read them."""


class Description(NamedTuple):
    """An entry of the table of datasets."""

    open: Callable[[Place], Dataset]
    channels: int
    """1 (gray) or 3 (RGB)."""
    image_size: int | None
    """Pixels per side as published; None if the images are of any size."""
    images: Mapping[str, int] | None
    """Images in each split, as published; None if this is unknown."""
    classes: int | None
    """Number of classes, as published; None if this is unknown."""
    needs_source: bool
    """Whether the user must give a source, since there is no official origin."""
    download_bytes: int = 0
    """Size of the official origin's files; 0 if nothing is downloaded."""
    takes_labels_file: bool = False
    takes_classes_file: bool = False
