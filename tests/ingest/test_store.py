import errno

import numpy as np
import pytest

from scan_core.artifacts.images import PIXELS, read_pixels
from scan_core.artifacts.shards import ShardFormat, Shards
from scan_core.errors import ArtifactError
from scan_core.images.preparation import Preparation
from scan_core.ingest import store
from scan_core.ingest.prepare import prepare
from scan_core.ingest.store import pixel_store, shard_store
from tests.samples import noise

FORMAT = ShardFormat(channels=3, image_size=8, fit="crop")
IMAGES = [prepare(pixels, Preparation(8, "crop"), encode=True) for pixels in noise(30, 3, 8, 8)]
ORDER = np.random.default_rng(0).permutation(30)


def _fill(kind, folder, keep=None):
    with kind(folder, 30, FORMAT) as images:
        for row in ORDER:
            images.put(int(row), IMAGES[row])
        images.keep(np.ones(30, bool) if keep is None else keep)


@pytest.fixture
def _small_shards(monkeypatch):
    monkeypatch.setattr(store, "SHARD_BYTES", 7 * 3 * 8 * 8)


@pytest.mark.usefixtures("_small_shards")
def test_both_stores_keep_the_same_images(tmp_path):
    keep = np.random.default_rng(1).random(30) < 0.6
    keep[7:14] = False  # a whole shard is empty
    _fill(pixel_store, tmp_path / "pixels", keep)
    _fill(shard_store, tmp_path / "shards", keep)
    kept = np.flatnonzero(keep)
    assert np.array_equal(read_pixels(tmp_path / "pixels"), np.stack([IMAGES[row].pixels for row in kept]))
    shards = Shards(tmp_path / "shards")
    assert [shards.read(i) for i in range(len(shards))] == [IMAGES[row].encoded for row in kept]
    assert len(list((tmp_path / "shards").iterdir())) == 4  # of 5, and nothing else


@pytest.mark.usefixtures("_small_shards")
def test_one_form_replaces_the_other(tmp_path):
    for kind in (pixel_store, shard_store, shard_store, pixel_store):
        _fill(kind, tmp_path)
        names = {path.name for path in tmp_path.iterdir()}
        assert (names == {PIXELS}) if kind is pixel_store else (PIXELS not in names and len(names) == 5)


@pytest.mark.parametrize("kind", [pixel_store, shard_store])
def test_a_failure_leaves_the_old_images(tmp_path, kind):
    _fill(shard_store, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(IndexError), kind(tmp_path, 3, FORMAT) as images:
        images.put(3, IMAGES[3])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_full_disk_in_the_middle(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "write_shard", full)
    with pytest.raises(ArtifactError, match=r"No space left on device.*free space"):
        _fill(shard_store, tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    _fill(shard_store, tmp_path)
    assert len(Shards(tmp_path)) == 30
