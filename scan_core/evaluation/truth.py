"""Classes for scoring: numbered without gaps, unlabeled images marked."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

UNLABELED = -1


class Truth(NamedTuple):
    """The known classes of the images."""

    labels: Int[np.ndarray, " images"]
    """Class of each image, 0..classes-1, or ``UNLABELED``."""
    names: tuple[str, ...]
    """Name of each class."""

    @property
    def labeled(self) -> Bool[np.ndarray, " images"]:
        """Return which images have a label."""
        return self.labels != UNLABELED

    def of(self, rows: Int[np.ndarray, " some"]) -> "Truth":
        """Return the same for some of the images."""
        return Truth(self.labels[rows], self.names)


def truth_from(labels: Int[np.ndarray, " images"], names: Sequence[str | None]) -> Truth:
    """Number the classes that occur 0, 1, ... in the order of their labels.

    Args:
        labels: any integers, negative where unlabeled.
        names: each image's class name; a class without a name gets its label as name.
    """
    labeled = np.flatnonzero(labels >= 0)
    values, first, numbered = np.unique(labels[labeled], return_index=True, return_inverse=True)
    compact = np.full(len(labels), UNLABELED, dtype=np.int64)
    compact[labeled] = numbered
    return Truth(compact, tuple(names[labeled[i]] or str(value) for value, i in zip(values, first, strict=True)))
