import numpy as np
import pytest

from scan_core.datasets.table import DATASETS
from scan_core.errors import DataError
from scan_core.ingest.choose import choose_images
from scan_core.planning.sizes import Sizes, published_splits, sizes_of


def test_imagenet_has_what_was_published():
    split = published_splits(DATASETS["imagenet"])
    assert ((split == "train").sum(), (split == "val").sum()) == (1_281_167, 50_000)


def test_a_subset_of_imagenet_has_the_average_of_each_class():
    split = published_splits(DATASETS["imagenet"], classes=50)
    assert ((split == "train").sum(), (split == "val").sum()) == (64_058, 2_500)  # 1,281.167 x 50


def test_sizes_of_stl10_with_its_unlabeled_images():
    sizes = sizes_of(
        published_splits(DATASETS["stl10"]),
        train_splits=("train",),
        evaluate_splits=("test",),
        pretext_splits=("unlabeled",),
        limit=None,
    )
    assert sizes == Sizes(images=113_000, pretext=105_000, train=5_000, evaluate=8_000)


@pytest.mark.parametrize(
    ("train", "evaluate", "pretext"),
    [(("a",), ("b",), ()), (("a", "b"), ("a", "b"), ()), (("a",), ("a", "b"), ("c",)), (("a",), ("b",), ("c",))],
)
@pytest.mark.parametrize("limit", [3, 7, 50])
def test_limited_is_what_choosing_with_that_limit_gives(train, evaluate, pretext, limit):
    split = np.repeat(np.array(["a", "b", "c"], object), [10, 20, 30])
    splits = {"train_splits": train, "evaluate_splits": evaluate, "pretext_splits": pretext}
    found = sizes_of(split, **splits, limit=None).limited(limit)
    expected = sizes_of(split, **splits, limit=limit)
    assert (found.images, found.pretext, found.train) == (expected.images, expected.pretext, expected.train)
    assert abs(found.evaluate - expected.evaluate) <= 10 * ("c" in pretext and "a" in evaluate)
    chosen = choose_images(split, **splits, limit=limit, generator=np.random.default_rng(1))
    assert expected.images == len(chosen)


def test_a_split_that_does_not_exist_is_named():
    with pytest.raises(DataError, match=r"data\.evaluate_splits: no split test in this dataset, found train, val"):
        sizes_of(
            published_splits(DATASETS["imagenet"], classes=1),
            train_splits=("train",),
            evaluate_splits=("test",),
            pretext_splits=(),
            limit=None,
        )
