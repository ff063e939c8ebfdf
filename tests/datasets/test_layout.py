import pytest

from scan_core.datasets.layout import layout


@pytest.mark.parametrize(
    ("paths", "split", "label"),
    [
        # one folder around everything, and one class, tell nothing
        (["all/1", "all/2"], ["train"] * 2, [None] * 2),
        (["flowers/a/1", "flowers/b/2"], ["train"] * 2, ["a", "b"]),
        # YOLO and Roboflow
        (["train/images/1", "valid/images/2", "test/images/3"], ["train", "valid", "test"], [None] * 3),
        (["images/train/1", "images/val/2"], ["train", "val"], [None] * 2),
        # whatever the case, and the longer names
        (["Train/a/1", "Train/b/2", "Test/a/3"], ["train", "train", "test"], ["a", "b", "a"]),
        (["Training/a/1", "Testing/b/2"], ["train", "test"], ["a", "b"]),
        (["train/a/1", "dev/b/2"], ["train", "dev"], ["a", "b"]),
        # what lies beside the splits is in none, whether file or folder
        (["train/a/1", "train/b/2", "test/a/3", "cover"], ["train", "train", "test", None], ["a", "b", "a", None]),
        (["train/a/1", "train/b/2", "test/a/3", "more/4"], ["train", "train", "test", None], ["a", "b", "a", None]),
        # unless most do
        (["1", "2", "3", "train/4", "test/5"], ["train"] * 5, [None] * 5),
        # a class may be called train, and a lone test is no split
        (["bus/1", "train/2"], ["train"] * 2, ["bus", "train"]),
        (["test/a/1", "test/b/2"], ["train"] * 2, ["a", "b"]),
        (["train/a/1", "train/b/2"], ["train"] * 2, ["a", "b"]),
        # a stray picture is unlabeled, and takes no label from the others
        (["a/1", "a/2", "b/3", "4"], ["train"] * 4, ["a", "a", "b", None]),
        (["a/1", "b/2", "3", "4"], ["train"] * 4, [None] * 4),
    ],
)
def test_layout(paths, split, label):
    found = layout([tuple(path.split("/")) for path in paths])
    assert found.split == split
    assert found.label == label
