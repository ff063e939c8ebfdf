import numpy as np
import pytest

from scan_core.datasets.dataset import Dataset
from scan_core.datasets.table import DATASETS, open_dataset
from scan_core.errors import DataError
from tests.samples import write_picture


def _open(name, source=None, *, labels="folders", classes_file=None, downloads):
    return open_dataset(name, source, downloads=downloads, labels=labels, classes_file=classes_file)


def test_open_dataset_labels_none(tmp_path):
    write_picture(tmp_path / "cat/1.png")
    write_picture(tmp_path / "dog/2.png")
    assert _open("folder", tmp_path, downloads=tmp_path).label_names(np.array([0, 1])) == ["cat", "dog"]
    dataset = _open("folder", tmp_path, labels="none", downloads=tmp_path)
    assert dataset.label.tolist() == [-1, -1]
    assert dataset.classes == ()


def test_open_dataset_labels_from_a_file(tmp_path):
    write_picture(tmp_path / "p/cat/1.png")
    write_picture(tmp_path / "p/cat/2.png")
    (tmp_path / "a.csv").write_text("file,label\ncat/1.png,tom\ncat/2.png,kit\n")
    dataset = _open("folder", tmp_path / "p", labels=str(tmp_path / "a.csv"), downloads=tmp_path)
    assert dataset.label_names(np.array([0, 1])) == ["tom", "kit"]


def test_open_dataset_labels_that_are_all_the_same_are_none(tmp_path, capsys):
    write_picture(tmp_path / "p/1.png")
    (tmp_path / "a.csv").write_text("file,label\n1.png,tom\n")
    dataset = _open("folder", tmp_path / "p", labels=str(tmp_path / "a.csv"), downloads=tmp_path)
    assert (dataset.label.tolist(), dataset.classes) == ([-1], ())
    assert "all labels are tom: a single class says nothing" in capsys.readouterr().err


def test_without_labels_leaves_no_column_of_them():
    label = np.array([1, 0])
    dataset = Dataset(3, np.full(2, "train", object), label, ("a", "b"), ["x", "y"], iter, further={"fine": label})
    unlabeled = dataset.without_labels()
    assert (unlabeled.label.tolist(), unlabeled.classes, unlabeled.further) == ([-1, -1], (), {})
    assert unlabeled.path == ["x", "y"]


def test_open_dataset_options_of_other_datasets(tmp_path):
    with pytest.raises(DataError, match=r"found /a\.csv for .*, expected folders or none \(only folder takes a CSV"):
        _open("digits", labels="/a.csv", downloads=tmp_path)
    with pytest.raises(DataError, match=r"found .*, expected none \(only imagenet takes one"):
        _open("digits", classes_file=tmp_path, downloads=tmp_path)


@pytest.mark.parametrize("name", DATASETS)
def test_open_dataset_knows_its_names(name, tmp_path):
    with pytest.raises(DataError, match=rf"^(nothing at|found) {tmp_path}/gone, expected ") as error:
        _open(name, tmp_path / "gone", downloads=tmp_path)
    assert error.value.argument == "source"


def test_digits_are_as_described(tmp_path):
    dataset, described = _open("digits", downloads=tmp_path), DATASETS["digits"]
    (image,) = dataset.read(np.array([0]))
    assert image.shape == (described.channels, described.image_size, described.image_size)
    assert dataset.channels == described.channels
    assert described.images == {"train": len(dataset.label)}
    assert described.classes == len(dataset.classes)


@pytest.mark.parametrize("name", [name for name, described in DATASETS.items() if described.needs_source])
def test_what_has_no_official_origin_asks_for_a_source(name, tmp_path):
    with pytest.raises(DataError, match=f"^found none, expected for {name} the local path of "):
        _open(name, downloads=tmp_path)
    assert not DATASETS[name].download_bytes
