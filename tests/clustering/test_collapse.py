import pytest

from scan_core.clustering.collapse import (
    check_confident,
    check_taught,
    collapse_warning,
    few_confident_warning,
    untaught_warning,
)
from scan_core.errors import TrainingError


def warning(**sizes: float) -> str | None:
    return collapse_warning(**sizes, remedy="change a parameter")


def test_even_clusters_need_no_warning():
    assert warning(used=10, clusters=10, largest=0.2) is None
    assert warning(used=2, clusters=2, largest=0.7) is None  # 1.5 times an equal share is 0.75


def test_an_empty_or_a_huge_cluster_is_told():
    assert "9 of 10 clusters hold an image" in str(warning(used=9, clusters=10, largest=0.2))
    assert "the largest holds 60% of them" in str(warning(used=10, clusters=10, largest=0.6))
    assert "not wanted, change a parameter, or lower scan.clusters" in str(warning(used=10, clusters=10, largest=0.6))


def test_clusters_without_pseudo_labels_are_told():
    assert untaught_warning(taught=10, clusters=10, threshold=0.9) is None
    message = str(untaught_warning(taught=3, clusters=10, threshold=0.9))
    assert "only 3 of 10 clusters had an image with a probability above 0.9" in message
    assert "lower self_label.threshold" in message


def test_pseudo_labels_must_be_of_several_clusters():
    check_taught(2, clusters=3, threshold=0.9)
    with pytest.raises(
        TrainingError, match=r"in one of 3 clusters; lower self_label\.learning_rate .*self_label\.epochs: 0$"
    ):
        check_taught(1, clusters=3, threshold=0.9)


def test_pseudo_labels_must_be_there():
    check_confident(1.0, threshold=0.9)
    with pytest.raises(
        TrainingError, match=r"no image .* above 0\.9; lower self_label\.threshold.*self_label\.epochs: 0$"
    ):
        check_confident(0.0, threshold=0.9)


def test_few_confident_images_are_told():
    assert few_confident_warning(confident=50, images=1000, threshold=0.9) is None
    message = str(few_confident_warning(confident=49, images=1000, threshold=0.9))
    assert "only 49 of 1000 images had a probability above 0.9" in message
    assert "lower self_label.threshold" in message
