import numpy as np
import pytest

from scan_core.counting.curve import Point, curve, numbers_to_try
from scan_core.counting.suggest import suggest


@pytest.mark.parametrize(
    ("images", "most", "expected"),
    [
        (5, 60, []),
        (6, 60, [2]),
        (12, 60, [2, 3, 4]),
        (60, 4, [2, 3, 4]),
        (90, 60, [*range(2, 17), 18, 20, 22, 24, 26, 29]),  # the next would be 32, more than a third of the images
    ],
)
def test_numbers_grow_by_a_tenth_up_to_a_third_of_the_images(images, most, expected):
    assert numbers_to_try(images, most=most) == expected


def groups(count: int, *, images: int = 40, spread: float = 0.3) -> np.ndarray:
    """So many groups of unit vectors of 20 dimensions."""
    random = np.random.default_rng(count)
    centers = np.linalg.qr(random.normal(size=(20, 20)))[0][:count]
    points = np.repeat(centers, images, axis=0) + spread * random.normal(size=(count * images, 20)) / np.sqrt(20)
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("count", [2, 3, 6, 12])
def test_separate_groups_are_counted(count: int):
    points = list(curve(groups(count), numbers=numbers_to_try(40 * count, most=30), seed=0))
    suggestion = suggest(points)
    assert suggestion.lowest <= count <= suggestion.highest
    assert count / 1.5 <= suggestion.clusters <= 1.5 * count
    best = max(points, key=lambda point: point.fit)
    assert best.clusters == count
    # 1/count of the edges would be inside by chance, and all are.
    assert best.modularity == pytest.approx(1 - 1 / count, abs=0.01)


def test_the_same_seed_gives_the_same_curve():
    first, second = (list(curve(groups(4), numbers=[3, 4], seed=1)) for _ in range(2))
    assert first == second


def test_two_starts_agree_on_two_far_groups_and_not_on_noise():
    noise = np.random.default_rng(0).normal(size=(300, 20))
    (far,) = curve(groups(2), numbers=[2], seed=0)
    (near,) = curve(noise / np.linalg.norm(noise, axis=1, keepdims=True), numbers=[8], seed=0)
    assert far.agreement == pytest.approx(1)
    assert near.agreement < 0.7
    assert far.fit > 5 * near.fit


@pytest.mark.parametrize("images", [6, 12, 30])
def test_equal_images_have_a_curve_all_the_same(images: int):
    points = list(curve(np.ones((images, 4), np.float32) / 2, numbers=numbers_to_try(images, most=60), seed=0))
    assert all(np.isfinite(point).all() for point in points)
    assert suggest(points) == (2, 2, 2, False)


def test_the_suggestion_is_the_middle_of_what_fits_nearly_as_well():
    # Fits of 0.10, 0.19, 0.20, 0.175, 0.165: at least 0.85 times 0.20 are 4, 6 and 9, whose middle is 6.5.
    points = [Point(n, fit, 1.0, 1.0) for n, fit in zip((2, 4, 6, 9, 13), (0.1, 0.19, 0.2, 0.175, 0.165), strict=True)]
    assert suggest(points) == (7, 4, 9, True)


def test_where_nothing_fits_the_best_is_a_guess():
    points = [Point(2, -0.1, 0.3, 1.0), Point(5, 0.1, 0.1, 1.0), Point(8, 0.2, -0.1, 1.0)]
    assert [point.fit for point in points] == pytest.approx([0, 0.01, 0])
    assert suggest(points) == (5, 5, 5, False)


@pytest.mark.parametrize("images", [60, 300])
def test_noise_has_no_number_of_clusters(images: int):
    noise = np.random.default_rng(0).normal(size=(images, 64))
    points = curve(noise / np.linalg.norm(noise, axis=1, keepdims=True), numbers=[2, 3, 4, 8], seed=0)
    assert not suggest([*points]).clear
