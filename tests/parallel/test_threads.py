import threading

import pytest

from scan_core.parallel.threads import ordered_map


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_ordered_map_keeps_the_order(chunk):
    assert list(ordered_map(lambda i: i * i, range(50), chunk=chunk, workers=3)) == [i * i for i in range(50)]


@pytest.mark.parametrize(("ahead", "most"), [(0, 2 * 2 * 3), (10, 2 * 10)])
def test_ordered_map_reads_a_bounded_way_ahead(ahead, most):
    taken = 0

    def items():
        nonlocal taken
        for i in range(1000):
            taken += 1
            yield i

    results = ordered_map(lambda i: i, items(), chunk=2, workers=3, ahead=ahead)
    next(results)
    assert taken == most
    results.close()


def test_ordered_map_passes_errors_on_and_ends_its_threads():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda i: 1 // i, [1, 0, 1], chunk=1, workers=2))
    assert threading.active_count() == before
