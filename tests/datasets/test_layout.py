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
        # folds of a cross-validation, batches of a download
        (["fold1/a/1", "fold1/b/2", "fold2/a/3"], ["train"] * 3, ["a", "b", "a"]),
        (["batch_1/1", "batch_2/2"], ["train"] * 2, ["batch_1", "batch_2"]),
        (["batch_a/x/1", "batch_b/x/2"], ["train"] * 2, ["batch_a", "batch_b"]),
        # everything twice (chest X-rays, leaves)
        (
            ["train/a/1", "train/b/2", "test/a/3", "xray/train/a/1", "xray/train/b/2", "xray/test/a/3"],
            ["train", "train", "test"] * 2,
            ["a", "b", "a"] * 2,
        ),
        (["a/1", "b/2", "leaves/a/1", "leaves/b/2"], ["train"] * 4, ["a", "b"] * 2),
        # with other words, the same for each split
        (
            ["asl_train/asl_train/A/1", "asl_train/asl_train/B/2", "asl_test/asl_test/3"],
            ["train", "train", "test"],
            ["A", "B", None],
        ),
        (["stage1_train/1", "stage1_test/2", "stray"], ["train", "test", None], [None] * 3),
        (["trainA/a/1", "trainB/b/2", "testA/a/3"], ["train", "train", "test"], ["a", "b", "a"]),
        (["train_cats/1", "train_dogs/2"], ["train"] * 2, ["train_cats", "train_dogs"]),
        (
            ["images_training_rev1/1", "images_validation_rev1/2", "images_test_rev1/3"],
            ["train", "validation", "test"],
            [None] * 3,
        ),
        (
            ["train_cats/1", "train_dogs/2", "test_cats/3", "test_dogs/4"],
            ["train", "train", "test", "test"],
            ["cats", "dogs"] * 2,
        ),
        (
            ["train_class1/1", "train_class2/2", "Test_class1/3", "Test_class2/4"],
            ["train", "train", "test", "test"],
            ["class1", "class2"] * 2,
        ),
        (["train_station/1", "test_tube/2"], ["train"] * 2, ["train_station", "test_tube"]),
        (["letters_train/1", "letters_test/2", "other/3"], ["train"] * 3, ["letters_train", "letters_test", "other"]),
        # a folder for the images of a split that has no classes (Tiny ImageNet)
        (
            ["train/n1/images/1", "train/n2/images/2", "val/images/3", "test/images/4"],
            ["train", "train", "val", "test"],
            ["n1", "n2", None, None],
        ),
        # which may be a class among others
        (
            ["train/image/1", "train/text/2", "test/image/3", "test/text/4"],
            ["train", "train", "test", "test"],
            ["image", "text"] * 2,
        ),
        # the classes first, and one without splits
        (
            ["A/train/1", "A/test/2", "B/train/3", "B/test/4", "C/5"],
            ["train", "test", "train", "test", "train"],
            ["A", "A", "B", "B", "C"],
        ),
        # whatever the case, and the longer names
        (["Train/a/1", "Train/b/2", "Test/a/3"], ["train", "train", "test"], ["a", "b", "a"]),
        (["Training/a/1", "Testing/b/2"], ["train", "test"], ["a", "b"]),
        (["train/a/1", "dev/b/2"], ["train", "dev"], ["a", "b"]),
        (["train/a/1", "train/b/2", "eval/a/3"], ["train", "train", "eval"], ["a", "b", "a"]),
        # in some other languages
        (["Training/1", "Validierung/2"], ["train", "validation"], [None] * 2),
        (["treino/1", "Validac\u0327a\u0303o/2"], ["train", "validation"], [None] * 2),
        (["训练集/1", "测试集/2"], ["train", "test"], [None] * 2),
        # with other words or a year (Intel's scenes, COCO), and twice
        (["training_set/a/1", "training_set/b/2", "test_set/a/3"], ["train", "train", "test"], ["a", "b", "a"]),
        (["images/train2017/1", "images/val2017/2"], ["train", "val"], [None] * 2),
        (
            ["seg_train/seg_train/a/1", "seg_train/seg_train/b/2", "seg_test/seg_test/a/3"],
            ["train", "train", "test"],
            ["a", "b", "a"],
        ),
        (["TrainImages/a/1", "trainingdata/b/2", "Testset/a/3"], ["train", "train", "test"], ["a", "b", "a"]),
        (["trainA/1", "trainB/2", "testA/3", "testB/4"], ["train", "train", "test", "test"], [None] * 4),
        (["trainval/a/1", "trainval/b/2", "holdout/a/3"], ["train", "train", "holdout"], ["a", "b", "a"]),
        (["train-val/a/1", "train-val/b/2", "tests/a/3"], ["train", "train", "test"], ["a", "b", "a"]),
        (["labelled/a/1", "labelled/b/2", "unlabelled/3"], ["train", "train", "unlabeled"], ["a", "b", None]),
        # whatever the others are called, beside train with the same classes
        (
            ["Training/a/1", "Training/b/2", "Pruefung/a/3", "Pruefung/b/4"],
            ["train"] * 2 + ["pruefung"] * 2,
            ["a", "b"] * 2,
        ),
        (
            ["train/a/1", "train/b/2", "PublicTest/a/3", "PublicTest/b/4", "spare/a/5", "spare/b/6"],
            ["train"] * 2 + ["publictest"] * 2 + ["spare"] * 2,
            ["a", "b"] * 3,
        ),
        (["train/a/1", "train/b/2", "bus/c/3", "bus/d/4"], ["train"] * 4, ["train"] * 2 + ["bus"] * 2),
        # more of a further split than of the others
        (["train/1", "test/2", *(f"extra/{i}" for i in range(3))], ["train", "test"] + ["extra"] * 3, [None] * 5),
        (
            ["train/a/1", "test/b/2", *(f"Unlabelled/{i}" for i in range(3))],
            ["train", "test"] + ["unlabeled"] * 3,
            ["a", "b"] + [None] * 3,
        ),
        # below the classes, if below all
        (["a/train/1", "a/test/2", "b/train/3", "b/test/4"], ["train", "test"] * 2, ["a", "a", "b", "b"]),
        (["a/train/1", "a/test/2", "b/3"], ["train"] * 3, ["a", "a", "b"]),
        # what lies beside the splits is in none, whether file or folder
        (["train/a/1", "train/b/2", "test/a/3", "cover"], ["train", "train", "test", None], ["a", "b", "a", None]),
        (["train/a/1", "train/b/2", "test/a/3", "more/4"], ["train", "train", "test", None], ["a", "b", "a", None]),
        # also beside a folder around all of them, which changes nothing of the classes either
        (
            ["all/train/a/1", "all/train/b/2", "all/test/a/3", "cover"],
            ["train", "train", "test", None],
            ["a", "b", "a", None],
        ),
        (["all/a/1", "all/b/2", "cover"], ["train"] * 3, ["a", "b", None]),
        (["all/1", "all/2", "cover"], ["train"] * 3, [None] * 3),
        # unless most do
        (["1", "2", "3", "train/4", "test/5"], ["train"] * 5, [None] * 5),
        (["more/1", "more/2", "more/3", "train/4", "test/5"], ["train"] * 5, [None] * 5),
        # a class may be called train, and a lone test is no split
        (["bus/1", "train/2"], ["train"] * 2, ["bus", "train"]),
        (["test/a/1", "test/b/2"], ["train"] * 2, ["a", "b"]),
        (["train/a/1", "train/b/2"], ["train"] * 2, ["a", "b"]),
        # composed and decomposed, and blanks
        (["K\u00e4fer/1", "Ka\u0308fer /2", "b/3"], ["train"] * 3, ["K\u00e4fer", "K\u00e4fer", "b"]),
        # a stray picture is unlabeled, and takes no label from the others
        (["a/1", "a/2", "b/3", "4"], ["train"] * 4, ["a", "a", "b", None]),
        (["a/1", "b/2", "3", "4"], ["train"] * 4, [None] * 4),
    ],
)
def test_layout(paths, split, label):
    found = layout([tuple(path.split("/")) for path in paths])
    assert found.split == split
    assert found.label == label
