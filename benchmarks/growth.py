"""Measure time and memory of every stage against the number of images N, and of some against clusters C.

``python -m benchmarks.growth`` also draws benchmarks/results/growth.png.

Each point is measured in its own process. Seconds are CPU time of all threads (on a GPU, wall-clock time), the minimum
of several calls, so that other programs have little effect. Memory is the peak beyond the inputs (on a GPU, of the
device). A curve ends where its next point would take longer than a limit. A slope is the exponent b of a fit a *
size**b over the larger half of the sizes, where fixed costs matter less. Expected for time: 2 for exact mining; up to
1.5 for IVF, whose lists grow as sqrt(N); up to 3 for Hungarian matching; 2 for the confusion table; at most 1 for the
others.
"""

import math
import multiprocessing
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer

from benchmarks import record
from benchmarks.growth_work import AGAINST_C, AGAINST_N, measure

IMAGES = tuple(4**power for power in range(5, 11))
CLUSTERS = (10, 32, 100, 316, 1000)
LEAST_MIB = 1.0
"""Smaller amounts of memory are not shown."""


class Curve(NamedTuple):
    """One piece of work, measured at some sizes."""

    sizes: Sequence[int]
    seconds: Sequence[float]
    mebibytes: Sequence[float]


def main(
    images: Annotated[list[int] | None, typer.Option(help="Sizes N, ascending.")] = None,
    clusters: Annotated[list[int] | None, typer.Option(help="Sizes C, ascending.")] = None,
    limit: Annotated[float, typer.Option(help="Seconds that a point may be expected to take.")] = 15.0,
) -> None:
    """Print seconds and MiB at the smallest and the largest size, and the fitted slopes, of each piece of work."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.growth_work"])
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        against_n = {name: _curve(pool, name, images or IMAGES, limit) for name in AGAINST_N}
        against_c = {name: _curve(pool, name, clusters or CLUSTERS, limit) for name in AGAINST_C}
    rows = [_row(name, "N", curve) for name, curve in against_n.items()]
    record.record("growth", rows + [_row(name, "C", curve) for name, curve in against_c.items()])
    plot({"images N": against_n, "clusters C": against_c}, record.RESULTS / "growth.png")


def _curve(pool: ProcessPoolExecutor, name: str, sizes: Sequence[int], limit: float) -> Curve:
    points: list[tuple[float, float]] = []
    for size in sizes:
        if points and _expected(sizes, [seconds for seconds, _ in points], size) > limit:
            break
        points.append(pool.submit(measure, name, size).result())
        print(f"{name}, {size}: {points[-1][0]:.4g} s, {points[-1][1]:.4g} MiB", file=sys.stderr, flush=True)
    return Curve(sizes[: len(points)], *zip(*points, strict=True))


def _expected(sizes: Sequence[int], seconds: Sequence[float], size: int) -> float:
    """Return the seconds expected at ``size``: they grow as between the last two sizes, but at least linearly."""
    last = len(seconds) - 1
    exponent = 1.0
    if last:
        exponent = max(1.0, math.log(seconds[last] / seconds[last - 1]) / math.log(sizes[last] / sizes[last - 1]))
    return seconds[last] * (size / sizes[last]) ** exponent


def _row(name: str, axis: str, curve: Curve) -> dict[str, str | int | float]:
    slopes = {"time slope": slope(curve.sizes, curve.seconds), "memory slope": memory_slope(curve)}
    sizes = f"{curve.sizes[0]} to {curve.sizes[-1]}"
    ends = {"s, first": curve.seconds[0], "s, last": curve.seconds[-1]}
    ends |= {"MiB, first": curve.mebibytes[0], "MiB, last": curve.mebibytes[-1]}
    return {"work": name, "against": axis, "sizes": sizes, **ends, **slopes}


def slope(sizes: Sequence[int], values: Sequence[float]) -> float | str:
    """Return the exponent of the growth over the larger half of the sizes; "-" if a value is 0, or the only one."""
    half = (len(sizes) - 1) // 2
    if len(sizes) < 2 or min(values[half:]) <= 0:
        return "-"
    return float(np.polyfit(np.log(sizes[half:]), np.log(values[half:]), 1)[0])


def memory_slope(curve: Curve) -> float | str:
    """Return the same for memory; "-" if it takes hardly any at the largest size."""
    return slope(curve.sizes, curve.mebibytes) if curve.mebibytes[-1] >= LEAST_MIB else "-"


def plot(curves: Mapping[str, Mapping[str, Curve]], path: Path) -> None:
    """Draw seconds (top) and MiB (bottom) on log-log axes, one column for each axis of ``curves``."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, len(curves), figsize=(14, 8.5), layout="constrained", sharex="col")
    for column, (axis, works) in enumerate(curves.items()):
        for number, (name, curve) in enumerate(works.items()):
            mebibytes = np.array(curve.mebibytes)
            quantities = (np.array(curve.seconds), np.where(mebibytes >= LEAST_MIB, mebibytes, np.nan))
            for row, values in enumerate(quantities):
                exponent = memory_slope(curve) if row else slope(curve.sizes, curve.seconds)
                drawn = np.isfinite(values).any()
                label = f"{name}: {axis[-1]}^{exponent:.2f}" if isinstance(exponent, float) and drawn else name
                style = {"marker": "os^Dv<>pP"[number % 9], "markersize": 5, "color": f"C{number}"}
                if drawn:
                    axes[row, column].loglog(curve.sizes, values, label=label, **style)
        axes[0, column].set(title=f"CPU time against {axis}", ylabel="seconds of all threads")
        axes[1, column].set(title=f"peak memory against {axis}", ylabel="MiB beyond the inputs", xlabel=axis)
        sizes = max((curve.sizes for curve in works.values()), key=len)
        axes[1, column].set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
        axes[1, column].minorticks_off()
    for panel in axes.flat:
        _guide(panel)
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _guide(panel: Any) -> None:
    """Draw a dashed line of slope 1 across the data, for comparison."""
    (left, right), (low, high) = panel.get_xlim(), panel.get_ylim()
    middle = math.sqrt(low * high) / math.sqrt(left * right)
    panel.plot([left, right], [left * middle, right * middle], "--", color="gray", label="in proportion")
    panel.set(xlim=(left, right), ylim=(low, high))


if __name__ == "__main__":
    typer.run(main)
