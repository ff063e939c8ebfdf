import numpy as np
import pytest

from scan_core.evaluation.purity import neighbor_purity


def test_purity_by_hand():
    # Image 0 (class 0): neighbors of classes 0, 1; image 1 (class 0): 0, 0; image 2 (class 1): 0, 0.
    neighbors = np.array([[1, 2], [0, 0], [0, 1]])
    purity = neighbor_purity(np.arange(3), neighbors, np.array([0, 0, 1]))
    assert purity == pytest.approx([2 / 3, (1 / 2 + 1 + 0) / 3])


def test_purity_indexes_labels_by_image_id():
    # The training images are 5 and 7; the others' labels play no part.
    labels = np.array([9, 9, 9, 9, 9, 3, 9, 3])
    assert neighbor_purity(np.array([5, 7]), np.array([[7], [5]]), labels).tolist() == [1]


def test_purity_leaves_unlabeled_images_and_neighbors_out():
    # Image 2 is unlabeled: no row of its own, and image 0's first neighbor says nothing; its second agrees.
    neighbors = np.array([[2, 1], [3, 0], [0, 1], [1, 0]])
    purity = neighbor_purity(np.arange(4), neighbors, np.array([0, 0, -1, 1]))
    # k=1: image 1 wrong, image 3 wrong (image 0 unknown); k=2: image 0 1/1, image 1 1/2, image 3 0/2.
    assert purity == pytest.approx([0, (1 + 0.5 + 0) / 3])


def test_purity_is_unknown_while_every_neighbor_is_unlabeled():
    purity = neighbor_purity(np.arange(3), np.array([[2, 1], [2, 0], [0, 1]]), np.array([0, 0, -1]))
    assert np.isnan(purity[0])
    assert purity[1] == 1


@pytest.mark.parametrize(("k", "labels"), [(0, [0, 1]), (1, [-1, -1]), (1, [0, -1])])
def test_purity_is_empty_without_neighbors_or_labels(k: int, labels: list[int]):
    neighbors = np.array([[1], [0]])[:, :k]
    assert neighbor_purity(np.arange(2), neighbors, np.array(labels)).shape == (0,)


def test_purity_leaves_images_without_a_labeled_neighbor_out():
    # Image 0's only neighbor is unlabeled, image 1's agrees.
    assert neighbor_purity(np.arange(3), np.array([[2], [0], [0]]), np.array([0, 0, -1])).tolist() == [1]
