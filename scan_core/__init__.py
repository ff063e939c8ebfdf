"""SCAN as a library; docs/library.md shows how to use it. A name is imported when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scan_core.augment.pipeline import Augmentation
    from scan_core.clustering.model import read_clustering
    from scan_core.clustering.predict import probabilities
    from scan_core.clustering.scan_loss import scan_loss
    from scan_core.images.images import ResidentImages
    from scan_core.images.preparation import preparation_of
    from scan_core.ingest.prepare import prepare
    from scan_core.prediction.clusterer import load_clusterer

__all__ = [
    "Augmentation",
    "ResidentImages",
    "load_clusterer",
    "preparation_of",
    "prepare",
    "probabilities",
    "read_clustering",
    "scan_loss",
]

_MODULES = {
    "Augmentation": "augment.pipeline",
    "ResidentImages": "images.images",
    "load_clusterer": "prediction.clusterer",
    "preparation_of": "images.preparation",
    "prepare": "ingest.prepare",
    "probabilities": "clustering.predict",
    "read_clustering": "clustering.model",
    "scan_loss": "clustering.scan_loss",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
