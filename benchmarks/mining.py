"""Measure the search for 20 nearest neighbors: ours, faiss's flat index itself, and scikit-learn's brute force.

``python -m benchmarks.mining``

Ours is all of ``mine_neighbors``: search, removal of the image itself, order among ties. The others only search, for
one more neighbor. All use the same number of threads; ours uses a GPU if there is one. The order alternates from round
to round, because each way leaves caches and threads in a different state. Seconds are wall-clock time and, because
other programs may be busy, CPU time.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
import typer
from jaxtyping import Float32
from sklearn.neighbors import NearestNeighbors

from benchmarks.record import record
from benchmarks.timing import median_ratio, seconds
from scan_core.neighbors.mine import mine_neighbors
from scan_core.neighbors.parts import CHUNK
from scan_core.neighbors.search import present_gpus
from scan_core.neighbors.torch_search import torch_search

Features = Float32[np.ndarray, "images dimensions"]
Search = Callable[[Features, int], npt.NDArray[np.int64]]
MOST_FOR_OTHERS = 100_000
"""With more images, only ours is timed."""
MOST_FOR_SKLEARN = 10_000
LEAST_AGREEMENT = 0.999
"""Least share of equal neighbors; sums in another order swap near ties."""


class Times(NamedTuple):
    """Seconds of each repetition."""

    clock: list[float]
    processor: list[float]
    """CPU time of all threads."""


def main(
    images: Annotated[list[int] | None, typer.Option(help="Numbers of images; larger on a GPU by default.")] = None,
    dimensions: Annotated[int, typer.Option(help="Dimensions of an embedding.")] = 128,
    k: Annotated[int, typer.Option(help="Neighbors.")] = 20,
    repetitions: Annotated[int, typer.Option(help="Searches of each way, in turn.")] = 3,
) -> None:
    """Print the seconds of each way, their ratio to ours, and the share of neighbors that agree with ours."""
    sizes = images or ([10_000, 50_000, 1_281_167] if present_gpus() else [10_000, 20_000, 50_000])
    record("mining", [row for size in sizes for row in _compare(_unit_vectors(size, dimensions), k, repetitions)])


def _unit_vectors(count: int, dimensions: int) -> Features:
    points = np.random.default_rng(0).standard_normal((count, dimensions), dtype=np.float32)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _compare(features: Features, k: int, repetitions: int) -> list[dict[str, str | float]]:
    ids = np.arange(len(features))
    found: dict[str, npt.NDArray[np.integer]] = {}

    def mine() -> None:
        found["ours"] = mine_neighbors(features, ids, k=k, gpus=present_gpus()).neighbors.neighbor_id

    def plainly(name: str, search: Search) -> None:
        found[name] = search(features, k + 1)

    others = {name: partial(plainly, name, search) for name, search in _searches(len(features)).items()}
    taken = _alternate({"ours": mine, **others}, repetitions=repetitions)
    rows: list[dict[str, str | float]] = []
    for name, (clock, processor) in taken.items():
        agreement = 1.0 if name == "ours" else _agreement(found["ours"], found[name])
        if agreement < LEAST_AGREEMENT:
            raise RuntimeError(f"{name}: {agreement:.4f} of the neighbors agree with ours, expected {LEAST_AGREEMENT}")
        row: dict[str, str | float] = {"images": len(features), "way": name, "s": statistics.median(clock)}
        row |= {"it / ours": median_ratio(clock, taken["ours"].clock), "processor s": statistics.median(processor)}
        ratio = median_ratio(processor, taken["ours"].processor)
        rows.append(row | {"processor, it / ours": ratio, "agreement": agreement})
    return rows


def _alternate(ways: dict[str, Callable[[], None]], *, repetitions: int) -> dict[str, Times]:
    """Return the seconds of each way; a first round warms up, and each later round reverses the order."""
    taken = {name: Times([], []) for name in ways}
    for turn in range(repetitions + 1):
        for name in list(ways) if turn % 2 else reversed(ways):
            before = time.process_time()
            taken[name].clock.append(seconds(ways[name]))
            taken[name].processor.append(time.process_time() - before)
    return {name: Times(times.clock[1:], times.processor[1:]) for name, times in taken.items()}


def _searches(count: int) -> dict[str, Search]:
    """Return the plain searches of ``count`` images; without faiss if it is not installed."""
    if count > MOST_FOR_OTHERS:
        return {}
    slow: dict[str, Search] = {"scikit-learn": _sklearn} if count <= MOST_FOR_SKLEARN else {}
    try:
        import faiss  # noqa: F401
    except ImportError:
        return slow
    return {"faiss": _faiss, "torch, as without faiss": _torch, **slow}


def _faiss(features: Features, k: int) -> npt.NDArray[np.int64]:
    import faiss

    index = faiss.IndexFlatIP(features.shape[1])
    index.add(features)
    return index.search(features, k)[1]


def _torch(features: Features, k: int) -> npt.NDArray[np.int64]:
    search = torch_search(features, gpus=())
    return np.concatenate([search(features[start : start + CHUNK], k).row for start in range(0, len(features), CHUNK)])


def _sklearn(features: Features, k: int) -> npt.NDArray[np.int64]:
    return NearestNeighbors(n_neighbors=k, algorithm="brute", metric="cosine").fit(features).kneighbors()[1][:, :k]


def _agreement(ours: npt.NDArray[np.integer], theirs: npt.NDArray[np.integer]) -> float:
    """Return the share of our neighbors that another way also found."""
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(ours, theirs, strict=True)]))


if __name__ == "__main__":
    typer.run(main)
