"""Name the parameter in params.yaml that an error of the library is about."""

from collections.abc import Iterator
from contextlib import contextmanager

from scan_core.errors import DataError

KEYS = {
    "source": "data.source",
    "labels": "data.labels",
    "classes_file": "data.classes_file",
    "train_splits": "data.train_splits",
    "evaluate_splits": "data.evaluate_splits",
    "pretext_splits": "pretext.train_splits",
    "clusters": "scan.clusters",
}
"""The parameter behind an argument of ``open_dataset``, ``choose_images`` or ``kmeans``."""


@contextmanager
def keys_named() -> Iterator[None]:
    """Put the parameter in front of the message of a DataError that is about one."""
    try:
        yield
    except DataError as error:
        if error.argument not in KEYS:
            raise
        raise DataError(f"{KEYS[error.argument]}: {error}") from error
