import numpy as np

from scan_core.naming.groups import AT_ONCE, groups, ranked


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


def test_many_images_are_ranked_as_few_are():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(6), AT_ONCE + 3).astype(np.float32)
    grouped = groups(["a", "b", "a", "", "b", "a"])
    found = ranked(probabilities, grouped, most=2)
    for row in (0, AT_ONCE - 1, AT_ONCE, AT_ONCE + 2):
        alone = ranked(probabilities[[row]], grouped, most=2)
        assert all((one == many[[row]]).all() for one, many in zip(alone, found, strict=True))
    sums = np.stack([probabilities[:, [0, 2, 5]].sum(1), probabilities[:, [1, 4]].sum(1), probabilities[:, 3]], axis=1)
    assert (found.group[:, 0] == sums.argmax(axis=1)).all()
    np.testing.assert_allclose(found.confidence[:, 1], np.sort(sums, axis=1)[:, 1], rtol=1e-5)


def test_no_images_have_no_ranks():
    found = ranked(np.empty((0, 3), np.float32), groups(["", "", ""]), most=2)
    assert [each.shape for each in found] == [(0, 2)] * 3
