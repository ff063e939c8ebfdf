"""Pictures of more than 8 bits: their levels are known once all of them have been decoded."""

from typing import Any

import numpy as np
import numpy.typing as npt

from scan_core.datasets.dataset import Dataset
from scan_core.images.levels import common_levels
from scan_core.images.preparation import Preparation
from scan_core.ingest.load import Loaded, load_images
from scan_core.ingest.store import Store


def load_by_own_levels(
    dataset: Dataset,
    rows: npt.NDArray[np.int64],
    store: Store,
    *,
    preparation: Preparation,
    **how: Any,
) -> tuple[Loaded, Preparation]:
    """:func:`load_images`, and how: by the levels that fit all pictures of more than 8 bits.

    Only these are decoded a second time, and only where their levels are not those of ``preparation``.
    """
    loaded = load_images(dataset, rows, store, preparation=preparation, **how)
    deep = np.flatnonzero([values is not None for values in loaded.values])
    levels = common_levels(loaded.values)
    if not len(deep) or levels == preparation.levels:
        return loaded, preparation
    fitting = preparation._replace(levels=levels)
    again = load_images(dataset, rows[deep], store, places=deep, preparation=fitting, **how)
    loaded.moments[deep], loaded.digest[deep] = again.moments, again.digest
    return loaded, fitting
