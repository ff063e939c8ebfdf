from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from scan_core.evaluation.confidence import confidence_curve
from scan_core.evaluation.confusion import Confusion
from scan_core.evaluation.figure import save_png, shorten
from scan_core.evaluation.plots import (
    largest_of_blocks,
    plot_cluster_sizes,
    plot_confidence,
    plot_confusion,
    plot_purity,
)


def _pixels(figure: Figure) -> tuple[int, int]:
    width, height = figure.get_size_inches() * figure.dpi
    return int(width), int(height)


def _texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_png_bytes_repeat_and_hold_no_date(tmp_path: Path):
    for name in ("a.png", "b.png"):
        save_png(tmp_path / name, plot_purity(np.array([0.9, 0.8])))
    content = (tmp_path / "a.png").read_bytes()
    assert content == (tmp_path / "b.png").read_bytes()
    assert b"Software" not in content
    assert b"tEXt" not in content


def test_confusion_shows_percent_of_the_row():
    figure = plot_confusion(Confusion(np.array([[3, 1], [0, 9]]), np.array([], dtype=np.int64)), ["a", "b"])
    assert _texts(figure) == ["75", "25", "100"]


def test_confusion_names_unmatched_clusters():
    counts = Confusion(np.array([[3, 1, 4], [0, 9, 1]]), np.array([7]))
    labels = [label.get_text() for label in plot_confusion(counts, ["a", "b"]).axes[0].get_xticklabels()]
    assert labels == ["a", "b", "cluster 7"]


@pytest.mark.parametrize("classes", [100, 1000])
def test_many_classes_give_a_picture_of_bounded_size(classes: int, tmp_path: Path):
    unmatched = np.arange(classes)
    figure = plot_confusion(Confusion(np.ones((classes, 2 * classes), dtype=np.int64), unmatched), ["x"] * classes)
    sizes = plot_cluster_sizes(np.arange(classes), None, ["x"] * classes)
    assert max(*_pixels(figure), *_pixels(sizes)) <= 1500
    assert _texts(figure) == []
    save_png(tmp_path / "confusion.png", figure)
    save_png(tmp_path / "sizes.png", sizes)


def test_names_may_hold_anything(tmp_path: Path):
    names = ["$x", r"\frac{1}", "a_b^c$ and $", "very " * 20]
    figure = plot_cluster_sizes(np.array([1, 2, 3, 0]), np.array([1, 1, 1, 0]), names)
    save_png(tmp_path / "sizes.png", figure)
    assert figure.axes[0].get_xticklabels()[0].get_text() == "0: $x"
    assert len(figure.axes[0].get_xticklabels()[3].get_text()) == len("3: ") + 18


def test_confidence_draws_accuracy_where_known():
    known = confidence_curve(np.array([0.5, 0.9]), np.array([False, True]))
    curves = {"self_label": known, "scan": known._replace(accuracy=None)}
    lines = plot_confidence(curves).axes[0].get_lines()
    assert [line.get_label() for line in lines] == [
        "self_label: accuracy",
        "self_label: lowest confidence",
        "scan: lowest confidence",
    ]
    assert np.asarray(lines[0].get_ydata()).tolist() == [100, 50]


@pytest.mark.parametrize(("purity", "marks"), [([0.97], ["97.0"]), ([0.97, 0.5, 0.4], ["40.0", "97.0"])])
def test_purity_marks_its_ends(purity: list[float], marks: list[str]):
    assert sorted(_texts(plot_purity(np.array(purity)))) == marks


def test_purity_with_unknown_start(tmp_path: Path):
    figure = plot_purity(np.array([np.nan, 0.5]))
    assert _texts(figure) == ["50.0"]
    save_png(tmp_path / "purity.png", figure)


def test_shorten():
    assert shorten("automobile", 10) == "automobile"
    assert shorten("automobiles", 10) == "automobil…"


def test_blocks_of_cells_by_hand():
    shares = np.array([[0.1, 0.2, 0.3], [0.9, 0.0, 0.0], [0.0, 0.4, 0.5]])
    assert largest_of_blocks(shares, 2).tolist() == [[0.9, 0.3], [0.4, 0.5]]
    assert np.array_equal(largest_of_blocks(shares, 1), shares)


def test_a_confusion_of_many_classes_stays_visible():
    counts = np.diag(np.full(1000, 100))
    counts[17, 403] = 100
    figure = plot_confusion(Confusion(counts, np.array([], dtype=np.int64)), ["x"] * 1000)
    image = figure.axes[0].images[0]
    assert image.get_array().shape == (250, 250)
    assert image.get_array()[17 // 4, 403 // 4] == 0.5
    assert figure.axes[0].get_xlim() == (-0.5, 999.5)
    assert figure.axes[0].get_title(loc="left").endswith("largest of 4 x 4 cells")


def test_confidence_draws_the_threshold_and_leaves_room():
    curve = confidence_curve(np.array([0.52, 0.9]), None)
    axes = plot_confidence({"scan": curve}).axes[0]
    assert np.asarray(axes.get_lines()[0].get_ydata()).tolist() == [90, 52]
    assert axes.get_ylim()[0] == 40


def test_confusion_writes_each_share_in_its_cell():
    figure = plot_confusion(Confusion(np.array([[3, 1], [0, 9]]), np.array([], dtype=np.int64)), ["a", "b"])
    assert [(text.get_text(), text.get_position()) for text in figure.axes[0].texts] == [
        ("75", (0, 0)),
        ("25", (1, 0)),
        ("100", (1, 1)),
    ]


def test_many_clusters_are_drawn_largest_first():
    sizes = np.arange(61)
    bars = plot_cluster_sizes(sizes, sizes // 2, ["x"] * 61).axes[0].containers
    assert [bar.get_height() for bar in bars[0]][:2] == [60, 59]
    assert [bar.get_height() for bar in bars[1]][:2] == [30, 29]
