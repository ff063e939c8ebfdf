"""Time and memory against the number of images N, and against the number of clusters C.

``python -m benchmarks.growth`` also draws benchmarks/results/growth.png.

Each point is measured in a process of its own: seconds are the least of some calls, memory is what the calls took at
their peak beyond their inputs (of the device for what runs there). A slope is the exponent b of a fit a * size**b over
the larger half of the sizes, where fixed costs matter less: for exact mining's time 2 is expected, for Hungarian
matching's up to 3, for the confusion table's 2, for the others at most 1.
"""

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer

from benchmarks import record
from benchmarks.growth_work import AGAINST_C, AGAINST_N, measure

IMAGES = tuple(2**power for power in range(10, 16))
IMAGES_ON_GPU = tuple(2**power for power in range(12, 18))
CLUSTERS = (10, 32, 100, 316, 1000)
LEAST_MIB = 1.0
"""Less memory than this is not told from none."""


class Curve(NamedTuple):
    """One work, measured at some sizes."""

    sizes: Sequence[int]
    seconds: Sequence[float]
    mebibytes: Sequence[float]


def main(
    images: Annotated[list[int] | None, typer.Option(help="Sizes N, ascending.")] = None,
    clusters: Annotated[list[int] | None, typer.Option(help="Sizes C, ascending.")] = None,
) -> None:
    """Print seconds and MiB at the smallest and the largest size, and the fitted slopes, of each work."""
    counts = images or (IMAGES_ON_GPU if torch.cuda.is_available() else IMAGES)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.growth_work"])
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        against_n = {name: _curve(pool, name, counts) for name in AGAINST_N}
        against_c = {name: _curve(pool, name, clusters or CLUSTERS) for name in AGAINST_C}
    rows = [_row(name, "N", curve) for name, curve in against_n.items()]
    record.record("growth", rows + [_row(name, "C", curve) for name, curve in against_c.items()])
    plot({"images N": against_n, "clusters C": against_c}, record.RESULTS / "growth.png")


def _curve(pool: ProcessPoolExecutor, name: str, sizes: Sequence[int]) -> Curve:
    points = [pool.submit(measure, name, size).result() for size in sizes]
    seconds, mebibytes = zip(*points, strict=True)
    return Curve(sizes, seconds, mebibytes)


def _row(name: str, axis: str, curve: Curve) -> dict[str, str | int | float]:
    slopes = {"time slope": slope(curve.sizes, curve.seconds), "memory slope": slope(curve.sizes, curve.mebibytes)}
    if max(curve.mebibytes) < LEAST_MIB:
        slopes["memory slope"] = "-"
    sizes = f"{curve.sizes[0]} to {curve.sizes[-1]}"
    ends = {"s, first": curve.seconds[0], "s, last": curve.seconds[-1]}
    ends |= {"MiB, first": curve.mebibytes[0], "MiB, last": curve.mebibytes[-1]}
    return {"work": name, "against": axis, "sizes": sizes, **ends, **slopes}


def slope(sizes: Sequence[int], values: Sequence[float]) -> float | str:
    """The exponent of the growth over the larger half of the sizes; "-" where a value is 0."""
    half = (len(sizes) - 1) // 2
    if min(values[half:]) <= 0:
        return "-"
    return float(np.polyfit(np.log(sizes[half:]), np.log(values[half:]), 1)[0])


def plot(curves: Mapping[str, Mapping[str, Curve]], path: Path) -> None:
    """Draw seconds (above) and MiB (below) on log-log axes, a column for each axis of ``curves``."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, len(curves), figsize=(11, 8), layout="constrained", sharex="col")
    for column, (axis, works) in enumerate(curves.items()):
        for marker, (name, curve) in zip("os^D", works.items(), strict=False):
            quantities = (curve.seconds, np.where(np.array(curve.mebibytes) > 0, curve.mebibytes, np.nan))
            for row, values in enumerate(quantities):
                exponent = slope(curve.sizes, curve.seconds if row == 0 else curve.mebibytes)
                label = f"{name}: {axis[-1]}^{exponent:.2f}" if isinstance(exponent, float) else name
                axes[row, column].loglog(curve.sizes, values, marker=marker, label=label)
        axes[0, column].set(title=f"seconds against {axis}", ylabel="seconds")
        axes[1, column].set(title=f"peak memory against {axis}", ylabel="MiB beyond the inputs", xlabel=axis)
        sizes = next(iter(works.values())).sizes
        axes[1, column].set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes[1, column].minorticks_off()
    for panel in axes.flat:
        panel.grid(alpha=0.3)
        panel.legend(fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    typer.run(main)
