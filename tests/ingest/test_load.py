import threading

import numpy as np
import pytest

from scan_core.datasets.dataset import Dataset, Skipped
from scan_core.errors import DataError
from scan_core.images.preparation import Preparation
from scan_core.ingest import load
from scan_core.ingest.load import SAMPLE, SMALL, load_images
from scan_core.ingest.prepare import prepare
from scan_core.ingest.store import PixelStore
from tests.samples import encode, noise

IMAGES = noise(4, 8, 8, 3)
STORED = [encode(IMAGES[0]), None, encode(IMAGES[2]), b"no picture", IMAGES[1].transpose(2, 0, 1)]


@pytest.fixture
def pixels(tmp_path):
    return np.memmap(tmp_path / "pixels", np.uint8, "w+", shape=(4, 3, 8, 8))


def _load(rows, pixels, *, skip_unreadable=True):
    dataset = Dataset(
        channels=3,
        split=np.full(5, "train", object),
        label=np.full(5, -1),
        classes=(),
        path=list("abcde"),
        read=lambda rows: (STORED[row] for row in rows),
    )
    store = PixelStore(pixels)
    return load_images(
        dataset, np.array(rows), store, preparation=Preparation(8, "crop"), workers=2, skip_unreadable=skip_unreadable
    )


def test_load_images_in_the_order_asked_for(pixels):
    loaded = _load([4, 3, 0, 2], pixels)
    assert loaded.readable.tolist() == [True, False, True, True]
    assert np.array_equal(pixels[[0, 2, 3]], IMAGES[[1, 0, 2]].transpose(0, 3, 1, 2))
    assert loaded.original_size.tolist() == [[8, 8], [0, 0], [8, 8], [8, 8]]
    assert loaded.moments[0].tolist() == [[channel.sum(), (channel**2).sum()] for channel in pixels[0].astype(int)]


def test_load_images_lists_what_it_skips(pixels):
    loaded = _load([3, 1], pixels)
    assert loaded.skipped[0] == Skipped("b", "no image bytes in this row")
    assert loaded.skipped[1].path == "d"


def test_load_images_stops_at_the_first_unreadable_one_where_asked_to(pixels):
    with pytest.raises(DataError, match=r"b: no image bytes in this row; correct or remove it"):
        _load([3, 1, 0], pixels, skip_unreadable=False)


@pytest.mark.parametrize(("side", "threaded"), [(SMALL - 1, False), (SMALL, True)])
def test_threads_decode_all_but_small_pictures(tmp_path, monkeypatch, side, threaded):
    pictures = noise(SAMPLE + 4, side, side, 3)
    threads = set()
    monkeypatch.setattr(load, "prepare", lambda *a, **k: threads.add(threading.get_ident()) or prepare(*a, **k))
    count = len(pictures)
    dataset = Dataset(
        channels=3,
        split=np.full(count, "train", object),
        label=np.full(count, -1),
        classes=(),
        path=[str(row) for row in range(count)],
        read=lambda rows: (pictures[row].transpose(2, 0, 1) for row in rows),
    )
    pixels = np.memmap(tmp_path / "pixels", np.uint8, "w+", shape=(count, 3, side, side))
    rows = np.arange(count)[::-1].copy()
    store = PixelStore(pixels)
    load_images(dataset, rows, store, preparation=Preparation(side, "crop"), workers=2, skip_unreadable=False)
    assert np.array_equal(pixels[::-1], pictures.transpose(0, 3, 1, 2))
    assert (threads != {threading.get_ident()}) == threaded
