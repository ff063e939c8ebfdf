"""Exact nearest neighbors in plain torch, for machines without faiss."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from scan_core.neighbors.found import Found, Points, Queries, Search

_CANDIDATES = 8192


class _Largest(NamedTuple):
    """The largest similarities of each query, falling; among equals, the smaller row comes first."""

    similarity: Float32[Tensor, "queries k"]
    row: Int64[Tensor, "queries k"]


def torch_search(points: Points, *, gpus: Sequence[int]) -> Search:
    """Compare each query with all ``points``, some thousands at a time, on ``gpus``, or on the CPU if there are none.

    Among equals, the smaller row comes first. Each GPU holds all points and takes a part of the queries.
    """
    devices = [torch.device("cuda", gpu) for gpu in gpus] or [torch.device("cpu")]
    copies = [torch.from_numpy(points).to(device) for device in devices]

    def search(queries: Queries, k: int) -> Found:
        parts = np.array_split(queries, len(copies))
        with ThreadPoolExecutor(len(copies)) as pool:
            found = list(pool.map(lambda copy, part: _nearest(copy, part, k), copies, parts))
        return Found(*(torch.cat([tensor.cpu() for tensor in column]).numpy() for column in zip(*found, strict=True)))

    return search


def _nearest(points: Float32[Tensor, "points dimensions"], queries: Queries, k: int) -> _Largest:
    on_device = torch.from_numpy(queries).to(points.device)
    best = _Largest(on_device.new_empty(len(queries), 0), on_device.new_empty(len(queries), 0, dtype=torch.int64))
    for start in range(0, len(points), _CANDIDATES):
        new = _largest(on_device @ points[start : start + _CANDIDATES].T, k)
        rows = torch.cat([best.row, new.row + start], dim=1)
        best = _sorted(torch.cat([best.similarity, new.similarity], dim=1), rows, k)
    return best


def _largest(similarity: Float32[Tensor, "queries candidates"], k: int) -> _Largest:
    """Return the first ``k`` columns by falling similarity; topk may choose any of those that equal the last one."""
    value, column = similarity.topk(min(k + 1, similarity.shape[1]))
    if value.shape[1] > k:
        column = column[:, :k]
        tied = (value[:, k - 1] == value[:, k]).nonzero().squeeze(1)
        column[tied] = similarity[tied].sort(dim=1, descending=True, stable=True).indices[:, :k]
    column = column.sort(dim=1).values
    return _sorted(similarity.gather(1, column), column, k)


def _sorted(similarity: Float32[Tensor, "queries any"], row: Int64[Tensor, "queries any"], k: int) -> _Largest:
    """Return the first ``k`` by falling similarity; equals keep their order."""
    order = similarity.sort(dim=1, descending=True, stable=True)
    return _Largest(order.values[:, :k], row.gather(1, order.indices)[:, :k])
