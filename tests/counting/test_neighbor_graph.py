import numpy as np
import pytest
from scipy import sparse

from scan_core.counting.neighbor_graph import graph_coordinates, modularity, neighbor_graph
from scan_core.errors import DataError


def test_an_edge_weighs_as_many_halves_as_draw_it():
    # With six points, two neighbors each: 0, 1, 2 draw each other, and so do 10, 11; 30 draws 10 and 11 alone.
    points = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [30.0]])
    graph = neighbor_graph(points).toarray()
    assert graph[:3, :3].tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert graph[3].tolist() == [0, 0, 0.5, 0, 1, 0.5]  # 10's two nearest are 11 and 2
    assert np.array_equal(graph, graph.T)


def test_modularity_of_two_triangles_and_a_bridge():
    # 7 edges, 6 of them inside; each triangle has half of the degrees: 6/7 - 2 * (1/2)^2 = 5/14.
    edges = np.array([(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)])
    weights = np.zeros((6, 6))
    weights[tuple(edges.T)] = weights[tuple(edges.T[::-1])] = 1
    graph = sparse.csr_matrix(weights)
    assert modularity(graph, np.array([0, 0, 0, 1, 1, 1])) == pytest.approx(5 / 14)
    assert modularity(graph, np.zeros(6, int)) == pytest.approx(0)
    with pytest.raises(DataError, match="without edges"):
        modularity(sparse.csr_matrix((6, 6)), np.zeros(6, int))


def test_groups_that_are_not_joined_lie_at_right_angles():
    points = np.concatenate([np.random.default_rng(0).normal(center, 0.1, (20, 2)) for center in (0, 10, 20)])
    coordinates = graph_coordinates(neighbor_graph(points), dimensions=3)
    angles = coordinates @ coordinates.T
    same = np.repeat(np.eye(3), 20, axis=0) @ np.repeat(np.eye(3), 20, axis=0).T
    assert angles == pytest.approx(same, abs=1e-6)
