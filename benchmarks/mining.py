"""Each image's 20 nearest neighbors: ours, faiss's flat index called plainly, and scikit-learn's brute force.

``python -m benchmarks.mining``

Ours is the whole of ``mine_neighbors``: search, removal of the image itself, order among equals. The others only
search, for one neighbor more. All use the same threads; ours uses a GPU where there is one.
"""

import statistics
from collections.abc import Callable
from functools import partial
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer
from jaxtyping import Float32
from sklearn.neighbors import NearestNeighbors

from benchmarks.record import record
from benchmarks.timing import alternate, median_ratio
from scan_core.neighbors.mine import mine_neighbors

Features = Float32[npt.NDArray[np.float32], "images dimensions"]
Search = Callable[[Features, int], npt.NDArray[np.int64]]
MOST_FOR_OTHERS = 100_000
"""Beyond so many images, ours is timed alone."""
LEAST_AGREEMENT = 0.999
"""Of the neighbors; sums in another order swap near ties."""


def main(
    images: Annotated[list[int] | None, typer.Option(help="How many; 20,000 on a CPU, several sizes on a GPU.")] = None,
    dimensions: Annotated[int, typer.Option(help="Of an embedding.")] = 128,
    k: Annotated[int, typer.Option(help="Neighbors.")] = 20,
    repetitions: Annotated[int, typer.Option(help="Searches of each kind, in turn.")] = 3,
) -> None:
    """Print the seconds of each way, their ratio to ours, and the share of neighbors that agree with ours."""
    gpu = torch.cuda.is_available()
    sizes = images or ([10_000, 50_000, 1_281_167] if gpu else [20_000])
    record("mining", [row for size in sizes for row in _compare(_unit_vectors(size, dimensions), k, gpu, repetitions)])


def _unit_vectors(count: int, dimensions: int) -> Features:
    points = np.random.default_rng(0).standard_normal((count, dimensions), dtype=np.float32)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _compare(features: Features, k: int, gpu: bool, repetitions: int) -> list[dict[str, str | float]]:
    ids = np.arange(len(features))
    found: dict[str, npt.NDArray[np.integer]] = {}

    def mine() -> None:
        found["ours"] = mine_neighbors(features, ids, k=k, gpu=gpu).neighbor_id

    def plainly(name: str, search: Search) -> None:
        found[name] = _without_self(search(features, k + 1))

    ways: dict[str, Callable[[], object]] = {"ours": mine}
    if len(features) <= MOST_FOR_OTHERS:
        ways |= {name: partial(plainly, name, search) for name, search in _searches().items()}
    taken = alternate(ways, repetitions=repetitions)
    rows: list[dict[str, str | float]] = []
    for name, seconds in taken.items():
        agreement = 1.0 if name == "ours" else _agreement(found["ours"], found[name])
        if agreement < LEAST_AGREEMENT:
            raise RuntimeError(f"{name}: {agreement:.4f} of the neighbors agree with ours, expected {LEAST_AGREEMENT}")
        row: dict[str, str | float] = {"images": len(features), "way": name, "s": statistics.median(seconds)}
        rows.append(row | {"it / ours": median_ratio(seconds, taken["ours"]), "agreement": agreement})
    return rows


def _searches() -> dict[str, Search]:
    """The plain searches; faiss is missing where it has no package."""
    try:
        import faiss  # noqa: F401
    except ImportError:
        return {"scikit-learn": _sklearn}
    return {"faiss": _faiss, "scikit-learn": _sklearn}


def _faiss(features: Features, k: int) -> npt.NDArray[np.int64]:
    import faiss

    index = faiss.IndexFlatIP(features.shape[1])
    index.add(features)
    return index.search(features, k)[1]


def _sklearn(features: Features, k: int) -> npt.NDArray[np.int64]:
    return NearestNeighbors(n_neighbors=k, algorithm="brute", metric="cosine").fit(features).kneighbors()[1][:, :k]


def _without_self(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    itself = rows == np.arange(len(rows))[:, None]
    itself[:, -1] |= ~itself.any(axis=1)
    return rows[~itself].reshape(len(rows), -1)


def _agreement(ours: npt.NDArray[np.integer], theirs: npt.NDArray[np.integer]) -> float:
    """Share of our neighbors that they found too."""
    return float((np.sort(ours, axis=1)[:, :, None] == theirs[:, None]).any(2).mean())


if __name__ == "__main__":
    typer.run(main)
