import numpy as np

from scan_core.neighbors.found import Found
from scan_core.neighbors.others import others


def found(*rows: tuple[list[float], list[int]]) -> Found:
    return Found(np.array([row[0] for row in rows], np.float32), np.array([row[1] for row in rows]))


def test_the_query_is_removed_wherever_it_is():
    # Query 7 comes first; query 8 after a duplicate; query 9 after so many duplicates that it was not found.
    rest = others(
        found(([1, 0.9, 0.8], [7, 3, 1]), ([1, 1, 0.8], [2, 8, 1]), ([1, 1, 1], [4, 1, 2])), np.array([7, 8, 9])
    )
    assert rest.row.tolist() == [[3, 1], [2, 1], [1, 4]]
    np.testing.assert_allclose(rest.similarity, [[0.9, 0.8], [1, 0.8], [1, 1]], rtol=1e-6)


def test_equals_are_put_in_the_order_of_their_rows():
    rest = others(found(([1, 0.5, 0.5, 0.5, 0.1], [0, 9, 4, 6, 2])), np.array([0]))
    assert rest.row.tolist() == [[4, 6, 9, 2]]


def test_the_query_is_removed_behind_a_more_similar_image():
    # By rounding, a duplicate may come before the query without being equal.
    rest = others(found(([1.1, 1, 0.8], [3, 7, 1])), np.array([7]))
    assert rest.row.tolist() == [[3, 1]]
