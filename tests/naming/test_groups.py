import numpy as np

from scan_core.naming.groups import groups, ranked


def test_the_same_name_is_one_group_and_numbers_stay():
    grouped = groups(["cat", "", "junk", "cat", ""])
    assert grouped.names == ("cat", "cluster 1", "junk", "cluster 4")
    assert grouped.of_cluster.tolist() == [0, 1, 2, 0, 3]
    assert grouped.junk == 2


def test_a_name_like_a_number_s_is_not_that_cluster():
    assert groups(["cluster 1", ""]).of_cluster.tolist() == [0, 1]
    assert groups(["", ""]).junk is None


def test_probabilities_of_a_group_add():
    probabilities = np.array([[0.2, 0.5, 0.3], [0.1, 0.8, 0.1]], np.float32)
    found = ranked(probabilities, groups(["cat", "", "cat"]), most=3)
    assert found.group.tolist() == [[0, 1], [1, 0]]
    assert found.cluster.tolist() == [[2, 1], [1, 0]]
    np.testing.assert_allclose(found.confidence, [[0.5, 0.5], [0.8, 0.2]], rtol=1e-6)


def test_without_names_each_cluster_is_a_group():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(5), 20).astype(np.float32)
    found = ranked(probabilities, groups([""] * 5), most=1)
    assert (found.cluster[:, 0] == probabilities.argmax(axis=1)).all()
    assert (found.confidence[:, 0] == probabilities.max(axis=1)).all()
