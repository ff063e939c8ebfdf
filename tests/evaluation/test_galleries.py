from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from scan_core.evaluation.figure import save_png
from scan_core.evaluation.galleries import ROWS, prototype_gallery, shown_clusters, tiles, uncertain_gallery


def _images(count: int, channels: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, channels, size, size), dtype=np.uint8)


@pytest.mark.parametrize(("size", "side"), [(8, 64), (28, 84), (32, 64), (64, 64), (96, 96), (224, 74)])
def test_tiles_have_a_readable_size(size: int, side: int):
    assert tiles(_images(1, 3, size)).shape == (1, side, side, 3)


def test_tiles_repeat_whole_pixels_and_show_gray_as_gray():
    image = np.array([[[[0, 255], [7, 9]]]], dtype=np.uint8)
    tile = tiles(image)[0]
    assert (tile[:32, 32:] == 255).all()
    assert (tile[32:, :32] == 7).all()


def test_prototypes_show_pixels_unchanged(tmp_path: Path):
    images = _images(3, 3, 32)
    # Cluster 0 has two pictures, cluster 1 none, cluster 2 one.
    figure = prototype_gallery(images, [2, 0, 1], np.array([5, 0, 1]), ["cat", "cluster 1", "dog"])
    save_png(tmp_path / "a.png", figure)
    page = np.rint(imread(tmp_path / "a.png")[..., :3] * 255).astype(np.uint8)
    assert np.array_equal(page[34:98, 190:254], tiles(images)[0])
    assert np.array_equal(page[174:238, 190:254], tiles(images)[2])
    assert (page[104:168, 190:] == 255).all()
    assert "cluster 1\nempty" in [text.get_text() for text in figure.texts]


def test_prototypes_of_many_clusters_show_the_largest():
    sizes = np.arange(1000)
    assert shown_clusters(sizes).tolist() == list(range(1000 - ROWS, 1000))
    figure = prototype_gallery(_images(ROWS, 1, 8), [1] * ROWS, sizes, ["x"] * 1000)
    assert figure.texts[0].get_text().endswith(f"({ROWS} largest of 1000)")
    assert len(figure.texts) == ROWS + 1
    assert figure.texts[1].get_text() == "x\ncluster 960, 960 images"


def test_prototypes_without_any_picture(tmp_path: Path):
    save_png(tmp_path / "a.png", prototype_gallery(_images(0, 1, 8), [0, 0], np.array([0, 0]), ["a", "b"]))


def test_uncertain_names_label_where_known():
    figure = uncertain_gallery(_images(2, 1, 8), ["cat", "dog"], np.array([0.204, 0.3]), ["dog", None])
    assert [text.get_text() for text in figure.texts[1:]] == ["cat 0.20", "is dog", "dog 0.30"]


def test_uncertain_fills_row_by_row():
    figure = uncertain_gallery(
        np.zeros((3, 1, 8, 8), np.uint8), ["a"] * 3, np.array([0.1, 0.2, 0.3]), [None] * 3, columns=2
    )
    (x0, y0), (x1, y1), (x2, y2) = (text.get_position() for text in figure.texts[1:])
    assert y0 == y1 > y2
    assert x0 == x2 < x1
