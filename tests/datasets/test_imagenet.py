import re

import numpy as np
import pytest

from scan_core.datasets import imagenet_tars
from scan_core.datasets.imagenet import imagenet
from scan_core.errors import DataError
from tests.samples import encode, noise, write_imagenet_devkit, write_imagenet_tars, write_picture, write_tar

CLASSES = {"n02000000": 3, "n01000000": 2, "n03000000": 1}
"""Pictures of each, in the train tar's order."""
TRUTH = [2, 3, 2, 1]
"""Of the val pictures, in an order of the classes of the kit's own."""
KIT = ["n01000000", "n03000000", "n02000000"]


def _open(root, classes_file=None):
    return imagenet(root, downloads=root, classes_file=classes_file)


def _table(dataset):
    names = dataset.label_names(np.arange(len(dataset.path)))
    return list(zip(dataset.split, dataset.path, names, strict=True))


@pytest.fixture
def tars(tmp_path, monkeypatch):
    """A folder with the official files, and the pictures in them by name."""
    pictures = write_imagenet_tars(tmp_path, CLASSES, TRUTH)
    monkeypatch.setattr(imagenet_tars, "DEVKIT_SHA256", write_imagenet_devkit(tmp_path, KIT, TRUTH))
    return tmp_path, pictures


@pytest.fixture
def folders(tmp_path):
    for path in ("train/n02000000/a.JPEG", "train/n01000000/b.jpeg", "val/n02000000/c.JPEG", "val/n01000000/d.JPEG"):
        write_picture(tmp_path / path, kind="JPEG")
    return tmp_path


def test_imagenet_tars(tars):
    root, pictures = tars
    dataset = _open(root)
    train, val = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"
    assert _table(dataset) == [
        ("train", f"{train}/n02000000.tar/n02000000_0.JPEG", "n02000000"),
        ("train", f"{train}/n02000000.tar/n02000000_1.JPEG", "n02000000"),
        ("train", f"{train}/n02000000.tar/n02000000_2.JPEG", "n02000000"),
        ("train", f"{train}/n01000000.tar/n01000000_0.JPEG", "n01000000"),
        ("train", f"{train}/n01000000.tar/n01000000_1.JPEG", "n01000000"),
        ("train", f"{train}/n03000000.tar/n03000000_0.JPEG", "n03000000"),
        ("val", f"{val}/ILSVRC2012_val_00000001.JPEG", "n03000000"),
        ("val", f"{val}/ILSVRC2012_val_00000002.JPEG", "n02000000"),
        ("val", f"{val}/ILSVRC2012_val_00000003.JPEG", "n03000000"),
        ("val", f"{val}/ILSVRC2012_val_00000004.JPEG", "n01000000"),
    ]
    assert dataset.classes == ("n01000000", "n02000000", "n03000000")
    assert dataset.label.tolist() == [1, 1, 1, 0, 0, 2, 2, 1, 2, 0]
    for rows in (np.arange(10), np.array([1, 5, 6, 9])):
        expected = [pictures[dataset.path[row].split("/")[-1]] for row in rows]
        assert list(dataset.read(rows)) == expected


def test_imagenet_folders(folders):
    (folders / "train/n01000000/notes.txt").touch()
    (folders / "train/other").mkdir()
    dataset = _open(folders)
    assert _table(dataset) == [
        ("train", "train/n01000000/b.jpeg", "n01000000"),
        ("train", "train/n02000000/a.JPEG", "n02000000"),
        ("val", "val/n01000000/d.JPEG", "n01000000"),
        ("val", "val/n02000000/c.JPEG", "n02000000"),
    ]
    assert list(dataset.read(np.array([1, 2]))) == [
        folders / "train/n02000000/a.JPEG",
        folders / "val/n01000000/d.JPEG",
    ]


def test_imagenet_some_classes_in_the_file_s_order(tars, tmp_path):
    root, _ = tars
    (tmp_path / "two.txt").write_text("n03000000 hat, cap\nn01000000\n")
    dataset = _open(root, tmp_path / "two.txt")
    assert dataset.classes == ("hat, cap", "n01000000")
    assert dataset.label.tolist() == [1, 1, 0, 0, 0, 1]


def test_imagenet_some_classes_of_folders(folders, tmp_path):
    (tmp_path / "one.txt").write_text("n02000000\n")
    assert [path for _, path, _ in _table(_open(folders, tmp_path / "one.txt"))] == [
        "train/n02000000/a.JPEG", "val/n02000000/c.JPEG"
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["tars", "folders"])
def test_imagenet_unknown_classes(kind, request, tmp_path):
    request.getfixturevalue(kind)
    (tmp_path / "two.txt").write_text("n01000000\nn09999999\n")
    with pytest.raises(DataError, match=r"two\.txt: n09999999 \(1 of 2 classes\) without any picture"):
        _open(tmp_path, tmp_path / "two.txt")


def test_imagenet_train_alone_needs_no_kit(tars):
    root, _ = tars
    (root / imagenet_tars.VAL).unlink()
    (root / imagenet_tars.DEVKIT).unlink()
    assert set(_open(root).split) == {"train"}


def test_imagenet_is_not_downloaded(tmp_path):
    with pytest.raises(DataError, match=r"found none, expected .*ImageNet may not be downloaded automatically"):
        imagenet(None, downloads=tmp_path, classes_file=None)


@pytest.mark.parametrize("folder", [".", "train/n01000000"])
def test_imagenet_nothing_there(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    with pytest.raises(DataError, match=r"no picture of ImageNet, expected .*train/n01440764.*img_train\.tar.*devkit"):
        _open(tmp_path)


def test_imagenet_folder_of_no_classes(folders):
    (folders / "val/n01000000").rename(folders / "val/tench")
    (folders / "val/n02000000").rename(folders / "val/goldfish")
    with pytest.raises(DataError, match="val: no folder called after a class, expected"):
        _open(folders)


def test_imagenet_file_in_place_of_a_class(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train/n01000000").touch()
    with pytest.raises(DataError, match=r"n01000000: cannot be read \(Not a directory\)"):
        _open(tmp_path)


def test_imagenet_val_without_its_kit(tars):
    root, _ = tars
    (root / imagenet_tars.DEVKIT).unlink()
    with pytest.raises(DataError, match=r"cannot be read .* expected it next to ILSVRC2012_img_val\.tar"):
        _open(root)


def test_imagenet_reads_no_other_kit(tars, monkeypatch):
    root, _ = tars
    monkeypatch.setattr("scipy.io.loadmat", lambda *_, **__: pytest.fail("read"))
    with (root / imagenet_tars.DEVKIT).open("ab") as file:
        file.write(b"x")
    with pytest.raises(DataError, match="not the official file"):
        _open(root)


@pytest.mark.parametrize(
    ("name", "members", "message"),
    [
        ("train", {"cats.tar": b""}, "'cats.tar' in it, expected n01440764.tar"),
        ("train", {"n01000000.tar": b"x" * 1024}, "not a readable tar"),
        ("val", {"ILSVRC2012_val_1.JPEG": b"x"}, "'ILSVRC2012_val_1.JPEG' in it, expected ILSVRC2012_val_00000001"),
        ("val", {"ILSVRC2012_val_00000005.JPEG": b"x"}, "expected numbers 1..4"),
        ("val", {"ILSVRC2012_val_00000000.JPEG": b"x"}, "expected numbers 1..4"),
    ],
)
def test_imagenet_other_tars(tars, name, members, message):
    root, _ = tars
    write_tar(root / f"ILSVRC2012_img_{name}.tar", members)
    with pytest.raises(DataError, match=re.escape(message)) as error:
        _open(root)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["../../etc/n01000000_1.JPEG", "/n01000000_1.JPEG", "a/n01000000_1.JPEG", "x.sh"])
def test_imagenet_names_that_leave_the_tar(tars, name):
    root, _ = tars
    write_tar(root / "inner.tar", {name: encode(noise(8, 8, 3))})
    write_tar(root / imagenet_tars.TRAIN, {"n01000000.tar": (root / "inner.tar").read_bytes()})
    with pytest.raises(DataError, match=re.escape(f"n01000000.tar: {name!r} in it, expected n01000000_10026.JPEG")):
        _open(root)
