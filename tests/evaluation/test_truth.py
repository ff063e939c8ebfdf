import numpy as np

from scan_core.evaluation.truth import truth_from


def test_classes_are_numbered_without_gaps():
    truth = truth_from(np.array([7, -1, 3, 7]), ["cat", None, "dog", "cat"])
    assert truth.labels.tolist() == [1, -1, 0, 1]
    assert truth.names == ("dog", "cat")
    assert truth.labeled.tolist() == [True, False, True, True]


def test_a_class_without_a_name_is_named_by_its_label():
    assert truth_from(np.array([7, 3]), [None, "dog"]).names == ("dog", "7")


def test_no_labels_at_all():
    truth = truth_from(np.array([-1, -1]), [None, None])
    assert truth.names == ()
    assert not truth.labeled.any()


def test_some_of_the_images_keep_the_numbering():
    truth = truth_from(np.array([4, 5, -1]), ["a", "b", None]).of(np.array([1, 2]))
    assert truth.labels.tolist() == [1, -1]
    assert truth.names == ("a", "b")
