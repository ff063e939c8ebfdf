"""The datasets by the names that ``data.name`` gives them."""

from pathlib import Path
from typing import Protocol

from scan_core.data.cifar10 import cifar10
from scan_core.data.dataset import Dataset, Source
from scan_core.data.digits import digits
from scan_core.data.folder import folder
from scan_core.data.parquet import parquet


class Origin(Protocol):
    """Opens the dataset at a source; what has to be downloaded is kept in ``downloads``."""

    def __call__(self, source: Source, *, downloads: Path) -> Dataset: ...


ORIGINS: dict[str, Origin] = {"digits": digits, "cifar10": cifar10, "folder": folder, "parquet": parquet}
