from scan_core.machine.search_memory import bytes_needed

# The largest chunk has nearly 2 * 4096 queries: faiss compares 4096 with 1024 points at a time, and what it finds is
# there once more without the queries themselves.
CHUNK = 4096 * 1024 * 4 + 2 * 2 * 4096 * 21 * 12


def test_bytes_of_an_exact_search():
    # 1,000 embeddings of 8 float32, ten neighbors' ids and similarities twice.
    needed = bytes_needed(images=1000, points=1000, dimensions=8, k=20, approximate=False)
    assert needed == 1000 * 8 * 4 + 2 * 1000 * 20 * 8 + CHUNK


def test_a_subset_is_copied_and_lists_hold_the_points_again():
    subset = bytes_needed(images=1000, points=400, dimensions=8, k=20, approximate=False)
    assert subset == (1000 + 400) * 8 * 4 + 2 * 400 * 20 * 8 + CHUNK
    # Lists with room for 800 points; 10 of them (400 / 39) are learned from up to 640 points, that is from all.
    lists = bytes_needed(images=1000, points=400, dimensions=8, k=20, approximate=True)
    assert lists - subset == (800 + 400) * 8 * 4
