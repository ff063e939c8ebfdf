"""Exact nearest neighbors in plain torch, where faiss has no package."""

import numpy as np
import numpy.typing as npt
import torch

_CHUNK = 4096


def search(
    features: npt.NDArray[np.float32], k: int, *, gpu: bool
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Inner product [M, k] and row [M, k] of the ``k`` largest, falling; memory grows with M, not with M squared."""
    device = torch.device("cuda" if gpu and torch.cuda.is_available() else "cpu")
    points = torch.from_numpy(features).to(device)
    found = [(chunk @ points.T).topk(k, dim=1) for chunk in torch.split(points, _CHUNK)]
    similarity, row = (torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True))
    return similarity, row
