"""``digits``: the 1,797 handwritten digits, 8 x 8 gray, that come with scikit-learn; needs no network."""

import numpy as np

from scan_core.datasets.dataset import Dataset, Source
from scan_core.datasets.description import Description
from scan_core.errors import DataError

WHITE = 16
"""The brightest value in scikit-learn's copy."""


def digits(source: Source) -> Dataset:
    """Open the one split, ``train``; values 0..16 become 0..255.

    Raises:
        DataError: ``source`` is not None.
    """
    if source is not None:
        raise DataError(f"found {source}, expected none for digits, which come with scikit-learn", argument="source")
    from sklearn.datasets import load_digits  # this import takes seconds, which other datasets do not need

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / WHITE)).astype(np.uint8)[:, np.newaxis]
    return Dataset(
        channels=1,
        split=np.full(len(images), "train", dtype=object),
        label=bunch.target.astype(np.int64),
        classes=tuple(str(name) for name in bunch.target_names),
        path=[f"digits/{row:04d}" for row in range(len(images))],
        read=lambda rows: (images[row] for row in rows),
    )


DIGITS = Description(
    lambda place: digits(place.source),
    channels=1,
    image_size=8,
    images={"train": 1_797},
    classes=10,
    needs_source=False,
)
