import threading

import numpy as np
import pytest

from scan_core.data.dataset import Dataset, Skipped
from scan_core.data.load import load_images, ordered_map
from tests.data.samples import encode, noise

IMAGES = noise(4, 8, 8, 3)
STORED = [encode(IMAGES[0]), None, encode(IMAGES[2]), b"no picture", IMAGES[1].transpose(2, 0, 1)]


def _dataset():
    return Dataset(
        channels=3,
        split=np.full(5, "train", object),
        label=np.full(5, -1),
        classes=(),
        path=list("abcde"),
        read=lambda rows: (STORED[row] for row in rows),
    )


def test_load_images_in_the_order_asked_for():
    pixels = np.zeros((4, 3, 8, 8), np.uint8)
    loaded = load_images(_dataset(), np.array([4, 3, 0, 2]), pixels)
    assert loaded.readable.tolist() == [True, False, True, True]
    assert np.array_equal(pixels[[0, 2, 3]], IMAGES[[1, 0, 2]].transpose(0, 3, 1, 2))
    assert loaded.original_size.tolist() == [[8, 8], [0, 0], [8, 8], [8, 8]]


def test_load_images_lists_what_it_skips():
    loaded = load_images(_dataset(), np.array([3, 1]), np.zeros((2, 3, 8, 8), np.uint8))
    assert loaded.skipped[0] == Skipped("b", "no image bytes in this row")
    assert loaded.skipped[1].path == "d"


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_ordered_map_keeps_the_order(chunk):
    assert list(ordered_map(lambda i: i * i, range(50), chunk=chunk, workers=3)) == [i * i for i in range(50)]


def test_ordered_map_reads_a_bounded_way_ahead():
    taken = 0

    def items():
        nonlocal taken
        for i in range(1000):
            taken += 1
            yield i

    results = ordered_map(lambda i: i, items(), chunk=2, workers=3)
    next(results)
    assert taken <= 2 * 2 * 3
    results.close()


def test_ordered_map_passes_errors_on_and_ends_its_threads():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda i: 1 // i, [1, 0, 1], chunk=1, workers=2))
    assert threading.active_count() == before
