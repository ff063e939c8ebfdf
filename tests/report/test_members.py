import numpy as np

from scan_core.report.members import MOST_IN_ALL, MOST_MEMBERS, surest_members


def test_the_surest_come_first_and_of_equal_ones_the_first():
    clusters, confidence = np.array([2, 0, 2, 2]), np.array([0.5, 0.9, 0.7, 0.5], np.float32)
    assert surest_members(clusters, confidence, list("abcd"), cluster_count=4) == (("b",), (), ("c", "a", "d"), ())


def test_many_clusters_list_fewer():
    clusters = np.arange(6000) % 3
    assert [len(each) for each in surest_members(clusters, np.ones(6000), ["a"] * 6000, cluster_count=3)] == [
        MOST_MEMBERS
    ] * 3
    many = surest_members(np.arange(20_000) % 1000, np.ones(20_000), ["a"] * 20_000, cluster_count=1000)
    assert sum(map(len, many)) == MOST_IN_ALL
