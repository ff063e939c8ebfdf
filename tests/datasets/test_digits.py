from pathlib import Path

import numpy as np
import pytest

from scan_core.datasets.digits import digits
from scan_core.errors import DataError


def test_digits():
    dataset = digits(None)
    images = np.stack(list(dataset.read(np.arange(1797))))
    assert images.shape == (1797, 1, 8, 8)
    assert dataset.channels == 1
    # scikit-learn's first image is a 0 whose first row reads 0 0 5 13 9 1 0 0, on a scale to 16.
    assert images[0, 0, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]
    assert images.max() == 255
    assert dataset.label[:10].tolist() == list(range(10))
    assert dataset.label_names(np.array([3, 5])) == ["3", "5"]
    assert set(dataset.split) == {"train"}


def test_digits_reads_the_rows_asked_for():
    dataset = digits(None)
    some = list(dataset.read(np.array([3, 7])))
    everything = list(dataset.read(np.arange(8)))
    assert np.array_equal(some, [everything[3], everything[7]])


def test_digits_has_no_other_source():
    with pytest.raises(DataError, match="found /x, expected none"):
        digits(Path("/x"))
