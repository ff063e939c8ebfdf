import numpy as np
import pytest

from scan_core.errors import DataError
from scan_core.ingest.choose import choose_images

SPLIT = np.array(["train"] * 20 + ["test"] * 10 + ["extra"] * 5, dtype=object)


def _choose(seed=0, *, train=("train",), evaluate=("test",), limit=None, split=SPLIT, pretext=()):
    generator = np.random.Generator(np.random.PCG64(seed))
    return choose_images(
        split,
        train_splits=train,
        evaluate_splits=evaluate,
        pretext_splits=pretext,
        limit=limit,
        generator=generator,
    )


def test_choose_keeps_the_wanted_splits_only():
    rows = _choose()
    assert sorted(rows) == list(range(30))
    assert rows.tolist() != sorted(rows)


def test_choose_same_seed_same_order():
    assert np.array_equal(_choose(3), _choose(3))
    assert not np.array_equal(_choose(3), _choose(4))


def test_choose_limit_drops_the_rest_also_from_evaluation():
    rows = _choose(train=("train", "test"), evaluate=("test", "extra"), limit=6)
    assert (rows < 30).sum() == 6
    assert sorted(rows[rows >= 30]) == [30, 31, 32, 33, 34]


def test_choose_adds_images_for_the_pretext_alone():
    assert sorted(_choose(pretext=("extra",))) == list(range(35))
    # The limit spares the evaluation: 3 of train, all of test, though the pretext wants them too, 3 of 5 extra ones.
    rows = _choose(pretext=("test", "extra"), limit=3)
    assert [(rows < 20).sum(), ((rows >= 20) & (rows < 30)).sum(), (rows >= 30).sum()] == [3, 10, 3]
    with pytest.raises(DataError, match="no split gone in this dataset") as error:
        _choose(pretext=("gone",))
    assert error.value.argument == "pretext_splits"


def test_choose_limit_above_the_number_keeps_all():
    assert len(_choose(limit=1000)) == 30


def test_choose_limit_is_uniform():
    # Each of 20 images is drawn with p = 1/4: 500 of 2,000 draws, standard deviation 19.4.
    counts = np.zeros(20)
    for seed in range(2000):
        counts[_choose(seed, evaluate=("train",), limit=5)] += 1
    assert abs(counts - 500).max() < 5 * 19.4


def test_choose_order_follows_no_split():
    # The mean position among 15 ids of the 5 drawn training images is 7 on average; the standard deviation of a
    # mean of 5 of 0..14 without replacement is sqrt(18.67 / 5 * 10 / 14) = 1.63, of 500 such means 0.073.
    positions = [np.flatnonzero(_choose(seed, limit=5) < 20).mean() for seed in range(500)]
    assert np.mean(positions) == pytest.approx(7, abs=5 * 0.073)


@pytest.mark.parametrize("key", ["train", "evaluate"])
def test_choose_unknown_split(key):
    with pytest.raises(DataError, match=r"no split val .* found extra, test, train") as error:
        _choose(**{key: ("train", "val")})
    assert error.value.argument == f"{key}_splits"


def test_choose_too_few():
    with pytest.raises(DataError, match="found 1 readable training image, expected at least 2"):
        _choose(limit=1)
