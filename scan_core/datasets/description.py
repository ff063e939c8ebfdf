"""What is known of a dataset before any of it is here, and how to open it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from scan_core.datasets.dataset import Dataset, Source


class Place(NamedTuple):
    """Where a dataset and what belongs to it are."""

    source: Source
    downloads: Path
    """The folder where what has to be downloaded is kept."""
    labels_file: Path | None
    """A CSV file that names the classes; None for datasets that take none."""
    classes_file: Source
    """A list of the classes to take; None for all, and for datasets that take no list."""


class Description(NamedTuple):
    """A dataset of the table."""

    open: Callable[[Place], Dataset]
    channels: int
    """1 (gray) or 3 (RGB)."""
    image_size: int | None
    """Pixels per side as published; None where images are pictures of any size."""
    images: Mapping[str, int] | None
    """In each split, as published; None where nobody knows before looking."""
    classes: int | None
    """As published."""
    needs_source: bool
    """Whether it has no official origin that fetch gets it from."""
    download_bytes: int = 0
    """Of the official origin's files; 0 where nothing is downloaded."""
    takes_labels_file: bool = False
    takes_classes_file: bool = False
