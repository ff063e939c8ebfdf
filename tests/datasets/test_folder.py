import os

import numpy as np
import pytest

from scan_core.datasets.folder import folder
from scan_core.errors import DataError
from tests.samples import HEIC, write_picture


def _open(path):
    return folder(path)


def _table(dataset):
    names = dataset.label_names(np.arange(len(dataset.path)))
    return list(zip(dataset.path, dataset.split, names, strict=True))


def _write(root, *paths):
    for path in paths:
        write_picture(root / path)


def test_folder_classes(tmp_path):
    _write(tmp_path, "dog/1.png", "cat/2.jpg", "cat/deep/er/3.bmp", "Dog/4.webp")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    dataset = _open(tmp_path)
    assert _table(dataset) == [
        ("Dog/4.webp", "train", "Dog"),
        ("cat/2.jpg", "train", "cat"),
        ("cat/deep/er/3.bmp", "train", "cat"),
        ("dog/1.png", "train", "dog"),
    ]
    assert dataset.label.tolist() == [0, 1, 1, 2]
    assert list(dataset.read(np.array([1, 3]))) == [tmp_path / "cat/2.jpg", tmp_path / "dog/1.png"]
    assert dataset.channels == 3


def test_folder_every_kind_of_picture(tmp_path):
    _write(tmp_path, *(f"a.{suffix}" for suffix in ("jpg", "JPEG", "png", "webp", "bmp", "gif", "tif", "Tiff")))
    assert len(_open(tmp_path).path) == 8


def test_folder_flat_is_unlabeled(tmp_path):
    _write(tmp_path, "1.png", "2.png")
    assert _table(_open(tmp_path)) == [("1.png", "train", None), ("2.png", "train", None)]


def test_folder_one_picture_outside_makes_all_unlabeled(tmp_path):
    _write(tmp_path, "cat/1.png", "2.png")
    assert {name for _, _, name in _table(_open(tmp_path))} == {None}


def test_folder_splits(tmp_path):
    _write(tmp_path, "train/1.png", "train/cat/2.png", "test/cat/3.png", "test/dog/4.png", "val/dog/5.png")
    assert _table(_open(tmp_path)) == [
        ("test/cat/3.png", "test", "cat"),
        ("test/dog/4.png", "test", "dog"),
        ("train/1.png", "train", None),
        ("train/cat/2.png", "train", None),
        ("val/dog/5.png", "val", "dog"),
    ]


def test_folder_train_may_be_a_class(tmp_path):
    _write(tmp_path, "train/1.png", "bus/2.png")
    assert _table(_open(tmp_path)) == [("bus/2.png", "train", "bus"), ("train/1.png", "train", "train")]


def test_folder_ignores_hidden_files(tmp_path):
    _write(tmp_path, "cat/1.png", ".thumbnails/2.png", "cat/._1.png")
    assert _open(tmp_path).path == ["cat/1.png"]


def test_folder_symbolic_links(tmp_path):
    _write(tmp_path, "root/b/1.png", "elsewhere/2.png")
    root = tmp_path / "root"
    (root / "b/up").symlink_to(root)
    (root / "a").symlink_to(root / "b")  # comes first, yet the real folder's name counts
    (root / "c").symlink_to(tmp_path / "elsewhere")
    (root / "b/self.png").symlink_to("self.png")
    (root / "b/gone.png").symlink_to("nothing.png")
    dataset = _open(root)
    assert dataset.path == ["b/1.png", "c/2.png"]
    assert [skipped.path for skipped in dataset.skipped] == ["b/gone.png", "b/self.png"]


def test_folder_skips_what_is_no_file(tmp_path):
    _write(tmp_path, "1.png")
    os.mkfifo(tmp_path / "2.png")
    dataset = _open(tmp_path)
    assert dataset.path == ["1.png"]
    assert dataset.skipped[0] == ("2.png", "not a file, or a link to nothing")


def test_folder_lists_folders_that_cannot_be_read(tmp_path, monkeypatch):
    _write(tmp_path, "a/1.png", "b/2.png")
    scandir = os.scandir

    def refuse(path):
        if path.name == "b":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    dataset = _open(tmp_path)
    assert dataset.path == ["a/1.png"]
    assert dataset.skipped == (("b", "folder cannot be read (Permission denied)"),)


def test_folder_names_that_are_no_utf8(tmp_path):
    _write(tmp_path, "bar/1.png", "plain/1.png")
    (tmp_path / "plain").rename(tmp_path / os.fsdecode(b"caf\xe9"))
    dataset = _open(tmp_path)
    assert _table(dataset)[1] == ("caf\\xe9/1.png", "train", "caf\\xe9")
    (path,) = dataset.read(np.array([1]))
    assert path.is_file()


def test_folder_labels_file_instead_of_folders(tmp_path):
    _write(tmp_path, "p/train/cat/1.png", "p/train/cat/2.png", "p/test/3.png")
    (tmp_path / "labels.csv").write_text("file,label\ntrain/cat/1.png,tiger\ntest/3.png,ant\n")
    dataset = folder(tmp_path / "p", labels_file=tmp_path / "labels.csv")
    assert _table(dataset) == [
        ("test/3.png", "test", "ant"),
        ("train/cat/1.png", "train", "tiger"),
        ("train/cat/2.png", "train", None),
    ]
    assert dataset.classes == ("ant", "tiger")


@pytest.mark.parametrize(
    ("others", "found", "remedy"),
    [
        ((), "no files", "correct the path"),
        (("a.txt", "b.csv", "c.csv"), "2 .csv, 1 .txt", "correct the path"),
        ((".a", ".b", "c.txt"), "2 hidden files, 1 .txt", "correct the path"),
        (("data/train.parquet",), "1 .parquet", "take the dataset parquet"),
        (("cats.tar", "dogs.tar"), "2 .tar", "unpack the archive"),
    ],
)
def test_folder_without_pictures(tmp_path, others, found, remedy):
    (tmp_path / "data").mkdir()
    for name in others:
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=rf"no picture in .* \({found}; 0 .*expected a folder of pictures.*; {remedy}"):
        _open(tmp_path)


def test_folder_missing(tmp_path):
    with pytest.raises(DataError, match=r"nothing at .*expected a folder of pictures"):
        _open(tmp_path / "gone")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("1.png", "correct the path"),
        ("train.parquet", "take the dataset parquet for Parquet files"),
        ("pictures.ZIP", "unpack the archive and give its folder"),
        ("pictures.tar.gz", "unpack the archive and give its folder"),
    ],
)
def test_folder_that_is_a_file(tmp_path, name, remedy):
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=rf"is a file, expected a folder of pictures .*; {remedy}$"):
        _open(tmp_path / name)


def test_folder_takes_pictures_by_content_and_counts_the_rest(tmp_path):
    _write(
        tmp_path, "1.jfif", "2.pgm", "3.avif", "4.jp2", "tmp/5.png", "tmp/6.tif", "@eaDir/thumb.jpg", ".hidden/7.png"
    )
    (tmp_path / "tmp/5.png").rename(tmp_path / "5")
    (tmp_path / "tmp/6.tif").rename(tmp_path / "6.CR2")  # cameras' raw files begin as TIFF does
    (tmp_path / "8.HIF").write_bytes(HEIC)
    (tmp_path / "9").write_bytes(HEIC)
    for name in ("notes.txt", "film.mp4", "more.TXT", "LICENSE"):
        (tmp_path / name).write_text("words")
    dataset = _open(tmp_path)
    assert dataset.path == ["1.jfif", "2.pgm", "3.avif", "4.jp2", "5", "8.HIF", "9"]
    assert dataset.left_out == {
        ".cr2": 1,
        ".mp4": 1,
        ".txt": 2,
        "folder @eaDir": 1,
        "hidden folder": 1,
        "without a suffix": 1,
    }


def test_folder_counts_what_lies_beside_the_splits(tmp_path):
    _write(tmp_path, "train/cat/1.png", "train/dog/2.png", "test/cat/3.png", "cover.png")
    dataset = _open(tmp_path)
    assert "cover.png" not in dataset.path
    assert dataset.left_out == {"beside the folders of the splits": 1}
    assert dataset.label.min() >= 0


@pytest.mark.parametrize(
    "name",
    [
        "@eaDir",
        "#recycle",
        "@Recycle",
        "@Recently-Snapshot",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        "Previews.lrdata",
    ],
)
def test_folder_enters_no_recycle_bins_and_thumbnails(tmp_path, name):
    _write(tmp_path, "cat/1.png", "dog/2.png", f"{name}/3.png", f"dog/{name}/4.png")
    dataset = _open(tmp_path)
    assert dataset.path == ["cat/1.png", "dog/2.png"]
    assert dataset.left_out == {f"folder {name}": 2}


def test_folder_of_apple_photos_has_originals_alone(tmp_path):
    _write(tmp_path, "1.png", "My.photoslibrary/originals/0/2.png", "My.photoslibrary/resources/derivatives/3.png")
    dataset = _open(tmp_path)
    assert dataset.path == ["1.png", "My.photoslibrary/originals/0/2.png"]
    assert dataset.left_out == {"folder resources": 1}
