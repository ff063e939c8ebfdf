"""Find nearest neighbors in the embedding space (SCAN, section 2.2)."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32

from scan_core.artifacts.neighbors import Neighbors
from scan_core.neighbors.found import Points, Search
from scan_core.neighbors.ivf import Approximation, ivf_search
from scan_core.neighbors.others import others
from scan_core.neighbors.parts import chunks, part_of_rows
from scan_core.neighbors.search import exact_search


class Mined(NamedTuple):
    """The neighbors, and how they were found."""

    neighbors: Neighbors
    approximation: Approximation | None
    """None if the search was exact."""


def mine_neighbors(
    embeddings: Float32[np.ndarray, "images dimensions"],
    image_ids: npt.NDArray[np.int64],
    *,
    k: int,
    gpus: Sequence[int],
    exact_up_to: int | None = None,
    rank: int = 0,
    world_size: int = 1,
) -> Mined:
    """Return the ``k`` most similar other images of each image, by inner product.

    Among equals, the smaller image id comes first. The image itself is removed by its id, not by its rank: an exact
    duplicate may come before it.

    Args:
        embeddings: L2-normalized; row = image id.
        image_ids: the M images that are both queries and candidates, ascending.
        gpus: the CUDA devices that share the queries; empty for the CPU.
        exact_up_to: with more images, the search is approximate if faiss is installed; None means never.
        rank: the process, of ``world_size``, whose part of the rows to mine (see
            :func:`~scan_core.neighbors.parts.join`).

    Raises:
        ValueError: fewer than ``k`` other images.
    """
    if k >= len(image_ids):
        raise ValueError(f"{k} neighbors of each of {len(image_ids)} images, expected at most {len(image_ids) - 1}")
    points = embeddings if len(image_ids) == len(embeddings) else embeddings[image_ids]
    rows = part_of_rows(len(points), rank=rank, world_size=world_size)
    search, approximation = _search(points, k=k, gpus=gpus, exact_up_to=exact_up_to)
    similarity, row = _mine(search, points, rows, k=k)
    return Mined(Neighbors(image_ids[rows.start : rows.stop], _ids(image_ids, row), similarity), approximation)


def _search(
    points: Points, *, k: int, gpus: Sequence[int], exact_up_to: int | None
) -> tuple[Search, Approximation | None]:
    if not k or exact_up_to is None or len(points) <= exact_up_to or find_spec("faiss") is None:
        return exact_search(points, gpus=gpus), None
    return ivf_search(points, k=k, gpus=gpus)


def _mine(
    search: Search, points: Points, rows: range, *, k: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Return similarity and row of the ``k`` other points nearest to each of ``rows``."""
    similarity, row = np.empty((len(rows), k), np.float32), np.empty((len(rows), k), np.int32)
    if not k:
        return similarity, row
    for own in chunks(rows):
        place = slice(own.start - rows.start, own.stop - rows.start)
        found = others(search(points[own.start : own.stop], k + 1), np.arange(own.start, own.stop))
        row[place] = found.row
        np.clip(found.similarity, -1, 1, out=similarity[place])
    return similarity, row


def _ids(image_ids: npt.NDArray[np.int64], row: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return row if image_ids[-1] == len(image_ids) - 1 else image_ids.astype(np.int32)[row]
