"""Exact search for the nearest points, with the installed library."""

from collections.abc import Sequence
from typing import Any

import torch

from scan_core.neighbors.found import Found, Points, Search
from scan_core.neighbors.torch_search import torch_search


def exact_search(points: Points, *, gpus: Sequence[int]) -> Search:
    """Compare each query with all ``points`` by inner product, on ``gpus``, or on the CPU if there are none.

    Uses faiss, or torch if faiss is missing or lacks support for GPUs.
    """
    try:
        import faiss
    except ImportError:
        return torch_search(points, gpus=gpus)
    if not gpus:
        return lambda queries, k: Found(*faiss.knn(queries, points, k, metric=faiss.METRIC_INNER_PRODUCT))
    if not faiss.get_num_gpus():  # pragma: gpu
        return torch_search(points, gpus=gpus)
    index = faiss.IndexFlatIP(points.shape[1])  # pragma: gpu
    index.add(points)  # pragma: gpu
    return on_gpus(index, gpus)  # pragma: gpu


def on_gpus(index: Any, gpus: Sequence[int]) -> Search:  # pragma: gpu
    """Search copies of the faiss ``index`` on ``gpus``, which share the queries."""
    import faiss

    copies = faiss.index_cpu_to_gpus_list(index, gpus=list(gpus))
    return lambda queries, k: Found(*copies.search(queries, k))


def present_gpus() -> range:
    """Return the CUDA devices of this machine: those that faiss sees, or torch if faiss was built without CUDA."""
    try:
        import faiss
    except ImportError:
        built_for_gpus = False
    else:
        built_for_gpus = "GPU" in faiss.get_compile_options()
    if built_for_gpus:
        return range(faiss.get_num_gpus())
    return range(torch.cuda.device_count())
