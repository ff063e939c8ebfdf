import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from scan_core.datasets import cifar10 as module
from scan_core.datasets.cifar10 import CLASSES, OFFICIAL, cifar10
from scan_core.errors import DataError
from scan_core.images.decode import decode_rgb
from tests.samples import cifar_images, encode, write_cifar_archive, write_cifar_parquet, write_parquet
from tests.server import Behavior, serving

REAL = Path(__file__).parents[2] / "../shared/data/cifar10"


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A tiny archive that passes for the official one."""
    path = tmp_path / "origin" / OFFICIAL.file
    monkeypatch.setattr(module, "OFFICIAL", OFFICIAL._replace(sha256=write_cifar_archive(path)))
    return path


def _contents(dataset, rows=None):
    """Each image with its split, class and file's name, as a multiset."""
    rows = np.arange(len(dataset.label)) if rows is None else rows
    contents = Counter()
    for row, name, stored in zip(rows, dataset.label_names(rows), dataset.read(rows), strict=True):
        pixels = np.asarray(decode_rgb(stored).image) if isinstance(stored, bytes) else stored.transpose(1, 2, 0)
        contents[pixels.tobytes(), dataset.split[row], name, Path(dataset.path[row]).name] += 1
    return contents


def test_cifar10_archive(archive, tmp_path):
    dataset = cifar10(archive, downloads=tmp_path)
    images, labels, names = cifar_images(12)
    assert dataset.split.tolist() == ["train"] * 10 + ["test"] * 2
    assert dataset.label.tolist() == labels
    assert dataset.label_names(np.arange(12)) == [CLASSES[label] for label in labels]
    assert dataset.path[0] == f"data_batch_1/{names[0]}"
    assert dataset.path[11] == f"test_batch/{names[11]}"
    assert np.array_equal(list(dataset.read(np.array([1, 2, 11]))), images[[1, 2, 11]])


def test_cifar10_archive_and_parquet_hold_the_same(archive, tmp_path):
    write_cifar_parquet(tmp_path / "parquet")
    from_archive = cifar10(archive, downloads=tmp_path)
    from_parquet = cifar10(tmp_path / "parquet", downloads=tmp_path)
    assert _contents(from_archive) == _contents(from_parquet)
    assert len(_contents(from_archive)) == 12


def test_cifar10_folder_of_the_archive(archive, tmp_path):
    assert len(cifar10(archive.parent, downloads=tmp_path).label) == 12


@pytest.mark.parametrize("official", [True, False])
def test_cifar10_downloads(archive, tmp_path, monkeypatch, official):
    with serving(Behavior(archive.read_bytes())) as (url, _):
        monkeypatch.setattr(module, "OFFICIAL", module.OFFICIAL._replace(url=url))
        dataset = cifar10(None if official else url, downloads=tmp_path / "downloads")
    assert len(dataset.label) == 12
    assert (tmp_path / "downloads" / OFFICIAL.file).is_file()


def test_cifar10_never_unpickles_another_file(tmp_path, monkeypatch):
    path = tmp_path / OFFICIAL.file
    write_cifar_archive(path)  # harmless, but not the official checksum
    monkeypatch.setattr(pickle, "loads", lambda *_, **__: pytest.fail("unpickled"))
    with pytest.raises(DataError, match=f"expected {OFFICIAL.sha256}"):
        cifar10(path, downloads=tmp_path)


def test_cifar10_unpickles_no_changed_download(archive, tmp_path):
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    (downloads / OFFICIAL.file).write_bytes(archive.read_bytes() + b"x")
    with pytest.raises(DataError, match="not the official file"):
        cifar10(None, downloads=downloads)


def test_cifar10_needs_something_there(tmp_path):
    with pytest.raises(DataError, match=f"nothing at .*expected {OFFICIAL.file} or Parquet files"):
        cifar10(tmp_path / "gone", downloads=tmp_path)
    with pytest.raises(DataError, match=r"no \*\.parquet among its 0 entries"):
        cifar10(tmp_path, downloads=tmp_path)


def test_cifar10_parquet_with_the_older_name_of_the_images(tmp_path):
    write_parquet(tmp_path / "train.parquet", [encode(np.zeros((32, 32, 3), np.uint8))], [9], CLASSES, image="img")
    assert cifar10(tmp_path, downloads=tmp_path).label_names(np.array([0])) == ["truck"]


def test_cifar10_parquet_of_other_classes(tmp_path):
    image = encode(np.zeros((32, 32, 3), np.uint8))
    write_parquet(tmp_path / "train.parquet", [image], [0], ("hat", "shoe"))
    with pytest.raises(DataError, match="classes hat, shoe, expected airplane"):
        cifar10(tmp_path, downloads=tmp_path)
    write_parquet(tmp_path / "train.parquet", [image], [10])
    with pytest.raises(DataError, match=r"label 10, expected 0\.\.9"):
        cifar10(tmp_path, downloads=tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="no ../shared")
def test_cifar10_real_parquet(tmp_path):
    dataset = cifar10(REAL, downloads=tmp_path)
    assert Counter(zip(dataset.split, dataset.label, strict=True)) == {
        **{("train", label): 5000 for label in range(10)},
        **{("test", label): 1000 for label in range(10)},
    }
    rows = np.sort(np.random.default_rng(0).choice(60_000, 50, replace=False))
    for row, name, stored in zip(rows, dataset.label_names(rows), dataset.read(rows), strict=True):
        assert dataset.path[row].startswith(f"{name}/")
        assert decode_rgb(stored).original_size == (32, 32)
