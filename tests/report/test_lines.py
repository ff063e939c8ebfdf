import numpy as np
import pytest

from scan_core.report.lines import HEIGHT, LEFT, TOP, WIDTH, Series, line_chart


def test_line_by_hand():
    # y runs from 2 to 4 and its ticks from 2 to 4, so that 4 is at the top, 3 halfway and 2 at the bottom.
    line = Series("loss", np.array([1.0, 2.0, 3.0, 5.0]), np.array([4.0, 3.0, np.nan, 2.0]))
    chart = line_chart("loss", [line], x_label="epoch")
    middle, right, bottom = TOP + HEIGHT / 2, LEFT + WIDTH, TOP + HEIGHT
    assert chart.lines[0].points == f"{LEFT}.0,{TOP}.0 {LEFT + WIDTH / 4:.1f},{middle:.1f} {right:.1f},{bottom:.1f}"
    assert (chart.y_ticks[0], chart.y_ticks[-1]) == ((bottom, "2"), (TOP, "4"))
    assert [tick.text for tick in chart.x_ticks] == ["1", "2", "3", "4", "5"]


def test_percent_and_a_logarithmic_axis():
    numbers = np.array([2.0, 4.0, 8.0])
    chart = line_chart(
        "fit", [Series("fit", numbers, numbers / 10)], x_label="clusters", percent=True, logarithmic=True
    )
    across = [float(point.split(",")[0]) for point in chart.lines[0].points.split()]
    assert across == [LEFT, LEFT + WIDTH / 2, LEFT + WIDTH]
    assert [tick.text for tick in chart.x_ticks] == ["2", "3", "5"]
    assert chart.y_ticks[-1].text == "80 %"


@pytest.mark.parametrize("y", [[], [1.0], [np.nan, 1.0]])
def test_a_single_point_is_no_line(y: list[float]):
    assert line_chart("", [Series("", np.arange(len(y), dtype=np.float64), np.array(y))], x_label="") is None


@pytest.mark.parametrize("level", [0.0, 1.0, -3.0])
def test_a_flat_line_lies_inside(level: float):
    chart = line_chart("", [Series("", np.array([1.0, 2.0]), np.full(2, level))], x_label="")
    heights = {float(point.split(",")[1]) for point in chart.lines[0].points.split()}
    assert len(heights) == 1
    assert TOP <= heights.pop() <= TOP + HEIGHT
