"""CIFAR-100 and its superclasses, which share an archive."""

import numpy as np
import pytest

from scan_core.datasets import cifar20 as coarse_module
from scan_core.datasets import cifar100 as fine_module
from scan_core.datasets.cifar20 import cifar20
from scan_core.datasets.cifar100 import OFFICIAL, cifar100
from scan_core.errors import DataError
from scan_core.images.decode import decode_rgb
from tests.samples import cifar100_images, encode, write_cifar100_archive, write_cifar100_parquet, write_parquet
from tests.server import Behavior, serving

IMAGES, FINE, COARSE, NAMES = cifar100_images(10)


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A tiny archive that passes for the official one."""
    path = tmp_path / "origin" / OFFICIAL.file
    official = OFFICIAL._replace(sha256=write_cifar100_archive(path))
    monkeypatch.setattr(fine_module, "OFFICIAL", official)
    monkeypatch.setattr(coarse_module, "OFFICIAL", official)
    return path


def test_cifar100_archive(archive, tmp_path):
    dataset = cifar100(archive, downloads=tmp_path)
    assert dataset.split.tolist() == ["train"] * 7 + ["test"] * 3
    assert dataset.label.tolist() == FINE
    assert dataset.further == {}
    assert (dataset.path[0], dataset.path[9]) == (f"train/{NAMES[0]}", f"test/{NAMES[9]}")
    assert np.array_equal(list(dataset.read(np.array([0, 6, 7]))), IMAGES[[0, 6, 7]])


def test_cifar20_archive(archive, tmp_path):
    dataset = cifar20(archive.parent, downloads=tmp_path)
    assert dataset.label.tolist() == COARSE
    assert dataset.further["fine_label"].tolist() == FINE
    assert np.array_equal(list(dataset.read(np.array([9]))), IMAGES[[9]])


@pytest.mark.parametrize(("opened", "expected"), [(cifar100, FINE), (cifar20, COARSE)])
def test_cifar100_archive_and_parquet_hold_the_same(archive, tmp_path, opened, expected):
    write_cifar100_parquet(tmp_path / "parquet")
    from_archive, from_parquet = opened(archive, downloads=tmp_path), opened(tmp_path / "parquet", downloads=tmp_path)
    order = [*range(3, 10), *range(3)]  # files by name: test comes first
    assert from_parquet.label[order].tolist() == from_archive.label.tolist() == expected
    assert from_parquet.split[order].tolist() == from_archive.split.tolist()
    assert from_parquet.classes == from_archive.classes
    assert {name: more[order].tolist() for name, more in from_parquet.further.items()} == {
        name: more.tolist() for name, more in from_archive.further.items()
    }
    pixels = [np.asarray(decode_rgb(stored).image).transpose(2, 0, 1) for stored in from_parquet.read(np.arange(10))]
    assert np.array_equal(np.stack(pixels)[order], IMAGES)


def test_classes_are_numbered_as_officially():
    # Both lists are alphabetical; the official images of label 26 show crabs, those of superclass 18 vehicles.
    assert len(set(fine_module.CLASSES)) == 100
    assert list(fine_module.CLASSES) == sorted(fine_module.CLASSES)
    assert fine_module.CLASSES[26] == "crab"
    assert len(set(coarse_module.CLASSES)) == 20
    assert list(coarse_module.CLASSES) == sorted(coarse_module.CLASSES)
    assert coarse_module.CLASSES[18] == "vehicles_1"


def test_cifar20_downloads(archive, tmp_path, monkeypatch):
    with serving(Behavior(archive.read_bytes())) as (url, _):
        monkeypatch.setattr(coarse_module, "OFFICIAL", coarse_module.OFFICIAL._replace(url=url))
        assert len(cifar20(None, downloads=tmp_path / "downloads").label) == 10
    assert (tmp_path / "downloads" / OFFICIAL.file).is_file()


def test_cifar100_parquet_without_its_columns(tmp_path):
    write_parquet(tmp_path / "train.parquet", [encode(np.zeros((32, 32, 3), np.uint8))], [0])
    with pytest.raises(DataError, match=r"label: int64, expected image, img or .* and fine_label \(integer\)"):
        cifar100(tmp_path, downloads=tmp_path)
    with pytest.raises(DataError, match="and coarse_label and fine_label"):
        cifar20(tmp_path, downloads=tmp_path)


def test_cifar20_parquet_with_another_number_of_fine_classes(tmp_path, monkeypatch):
    write_cifar100_parquet(tmp_path)
    shortened = coarse_module.FINE._replace(classes=("apple",))
    monkeypatch.setattr(coarse_module, "FINE", shortened)
    with pytest.raises(DataError, match=rf"fine_label {max(FINE)}, expected 0\.\.0"):
        cifar20(tmp_path, downloads=tmp_path)
