"""Nearest neighbors in the embedding space (SCAN, section 2.2)."""

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32

from scan_core.artifacts.neighbors import Neighbors
from scan_core.errors import ParamsError


def mine_neighbors(
    embeddings: Float32[npt.NDArray[np.float32], "images dimensions"],
    image_ids: npt.NDArray[np.int64],
    *,
    k: int,
    gpu: bool,
) -> Neighbors:
    """The ``k`` most similar other images of each image, exactly, by inner product.

    Among equals, the smaller image id comes first. The image itself is removed by its id, not by its rank: an exact
    duplicate may come before it.

    Args:
        embeddings: L2-normalized; row = image id.
        image_ids: ascending, the M images that are queries and candidates alike.
        gpu: whether to search on the GPUs, where faiss or torch finds any.

    Raises:
        ParamsError: fewer than ``k`` other images.
    """
    if k >= len(image_ids):
        raise ParamsError(
            f"neighbors.k: {k} neighbors asked for among {len(image_ids)} training images; "
            f"at most {len(image_ids) - 1} are possible, lower neighbors.k"
        )
    similarity, row = _search(embeddings[image_ids], k + 1, gpu=gpu)
    itself = row == np.arange(len(row))[:, None]
    itself[:, -1] |= ~itself.any(axis=1)  # k + 1 duplicates came before it: drop the last instead
    shape = (len(row), k)
    similarity, row = similarity[~itself].reshape(shape), row[~itself].reshape(shape)
    order = np.lexsort((row, -similarity), axis=1)
    row, similarity = np.take_along_axis(row, order, axis=1), np.take_along_axis(similarity, order, axis=1)
    return Neighbors(image_ids, image_ids[row].astype(np.int32), np.clip(similarity, -1, 1))


def _search(
    features: npt.NDArray[np.float32], k: int, *, gpu: bool
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Similarity and row of the ``k`` nearest, itself included: with faiss, or with torch where it is missing."""
    try:
        import faiss
    except ImportError:
        from scan_core.neighbors.torch_search import search

        return search(features, k, gpu=gpu)
    index: faiss.Index = faiss.IndexFlatIP(features.shape[1])
    if gpu and faiss.get_num_gpus():  # pragma: gpu
        index = faiss.index_cpu_to_all_gpus(index)
    index.add(features)
    similarity, row = index.search(features, k)
    return similarity, row
