import tarfile

import numpy as np
import pytest

from scan_core.datasets import stl10 as module
from scan_core.datasets.stl10 import FILE, stl10
from scan_core.errors import DataError
from tests.samples import noise, stl10_members, write_tar
from tests.server import Behavior, serving

COUNTS = {"test": 3, "train": 12, "unlabeled": 4}
IMAGES = {split: noise(count, 3, 96, 96, seed=seed) for seed, (split, count) in enumerate(COUNTS.items())}
"""As stored: channel, column, row."""


@pytest.fixture
def members(monkeypatch):
    monkeypatch.setattr(module, "COUNTS", COUNTS)
    return stl10_members(COUNTS)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes an archive that passes for the official one."""

    def write(members):
        path = tmp_path / "origin" / FILE
        monkeypatch.setattr(module, "SHA256", write_tar(path, members, mode="w:gz"))
        return path

    return write


@pytest.fixture
def unpacked(members, tmp_path):
    for name, content in members.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path / "stl10_binary"


def _check(dataset):
    assert dataset.split.tolist() == ["test"] * 3 + ["train"] * 12 + ["unlabeled"] * 4
    assert dataset.label.tolist() == [0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, -1, -1, -1, -1]
    assert dataset.label_names(np.array([2, 12, 15])) == ["car", "truck", None]
    assert (dataset.path[3], dataset.path[18]) == ("train_X.bin#0", "unlabeled_X.bin#3")
    first, second, last = dataset.read(np.array([0, 4, 18]))
    # The byte after the first is the pixel below it, the 97th the one to its right.
    assert (first[0, 1, 0], first[0, 0, 1]) == (IMAGES["test"][0].ravel()[1], IMAGES["test"][0].ravel()[96])
    assert np.array_equal(second, IMAGES["train"][1].swapaxes(1, 2))
    assert np.array_equal(last, IMAGES["unlabeled"][3].swapaxes(1, 2))


def test_stl10_archive(members, write, tmp_path):
    _check(stl10(write(members), downloads=tmp_path))


def test_stl10_archive_in_its_folder(members, write, tmp_path):
    _check(stl10(write(members).parent, downloads=tmp_path))


def test_stl10_unpacked(unpacked, tmp_path):
    _check(stl10(unpacked, downloads=tmp_path))
    _check(stl10(unpacked.parent, downloads=tmp_path))


def test_stl10_archive_in_another_order(members, write, tmp_path):
    names = sorted(members, reverse=True)  # unlabeled, train, test, each with its labels first
    dataset = stl10(write({name: members[name] for name in names}), downloads=tmp_path)
    assert dataset.split.tolist() == ["unlabeled"] * 4 + ["train"] * 12 + ["test"] * 3
    assert dataset.label[4:7].tolist() == [0, 1, 2]
    everything = np.stack(list(dataset.read(np.arange(19))))
    assert np.array_equal(everything[4:16], IMAGES["train"].swapaxes(2, 3))
    assert np.array_equal(everything[16:], IMAGES["test"].swapaxes(2, 3))


def test_stl10_reads_no_further_than_the_last_row(members, write, tmp_path):
    path = write(members)
    dataset = stl10(path, downloads=tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 16 // 19])  # noise does not shrink: unlabeled is cut
    assert len(list(dataset.read(np.arange(15)))) == 15
    with pytest.raises(DataError, match="cannot be read to its end"):
        list(dataset.read(np.arange(19)))


@pytest.mark.parametrize("official", [True, False])
def test_stl10_downloads(members, write, tmp_path, monkeypatch, official):
    with serving(Behavior(write(members).read_bytes())) as (url, _):
        monkeypatch.setattr(module, "URL", url)
        dataset = stl10(None if official else url, downloads=tmp_path / "downloads")
    assert len(list(dataset.read(np.arange(19)))) == 19
    assert (tmp_path / "downloads" / FILE).is_file()


def test_stl10_another_archive(members, write, tmp_path):
    path = write(members)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="not the official file"):
        stl10(path, downloads=tmp_path)


@pytest.mark.parametrize("grow", [-1, 1])
def test_stl10_member_of_another_size(members, write, tmp_path, grow):
    members["stl10_binary/train_y.bin"] = bytes(12 + grow)
    with pytest.raises(DataError, match=rf"stl10_binary/train_y\.bin: {12 + grow} bytes, expected 12 bytes"):
        stl10(write(members), downloads=tmp_path)


def test_stl10_member_missing(members, write, tmp_path):
    del members["stl10_binary/test_y.bin"]
    with pytest.raises(DataError, match=rf"no test_y\.bin in stl10_binary/, expected {FILE}"):
        stl10(write(members), downloads=tmp_path)


def test_stl10_link_instead_of_a_member(members, tmp_path, monkeypatch):
    link = tarfile.TarInfo("stl10_binary/test_y.bin")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / FILE, "w:gz") as archive:
        archive.addfile(link)
    monkeypatch.setattr(module, "check_sha256", lambda *_: None)
    with pytest.raises(DataError, match=r"no test_X\.bin, test_y\.bin, "):
        stl10(tmp_path / FILE, downloads=tmp_path)


@pytest.mark.parametrize("label", [0, 11])
def test_stl10_labels_out_of_range(members, write, tmp_path, label):
    members["stl10_binary/train_y.bin"] = bytes([label] * 12)
    with pytest.raises(DataError, match=rf"labels {label}\.\.{label} in train_y\.bin, expected 1\.\.10"):
        stl10(write(members), downloads=tmp_path)


def test_stl10_folder_with_a_file_missing_or_cut(unpacked, tmp_path):
    (unpacked / "train_X.bin").write_bytes(b"x")
    with pytest.raises(DataError, match=rf"train_X\.bin: 1 bytes, expected {12 * 27_648} bytes"):
        stl10(unpacked, downloads=tmp_path)
    (unpacked / "train_X.bin").unlink()
    with pytest.raises(DataError, match=r"train_X\.bin: missing, expected"):
        stl10(unpacked, downloads=tmp_path)


def test_stl10_official_sizes():
    # The official page: 500 training and 800 test images of each of ten classes, and 100,000 without label.
    assert module._sizes() == {
        "train_X.bin": 138_240_000, "train_y.bin": 5_000,
        "test_X.bin": 221_184_000, "test_y.bin": 8_000,
        "unlabeled_X.bin": 2_764_800_000,
    }  # fmt: skip
