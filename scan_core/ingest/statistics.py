"""Compute statistics of all images from those of each."""

import hashlib

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.index import Normalization

WHITE = 255


def normalization(moments: npt.NDArray[np.int64], *, pixels: int) -> Normalization:
    """Return each channel's mean and standard deviation over images with these ``moments`` [N, C, 2] and number of
    pixels.

    A constant channel gets a deviation of one level, so that dividing by it is possible.
    """
    total, squares = moments.sum(axis=0).T
    count = len(moments) * pixels
    mean = total / count
    # In Python's integers, which have no limit: N * sum of squares can exceed 64 bits.
    spread = [int(count) * int(q) - int(s) ** 2 for s, q in zip(total, squares, strict=True)]
    deviation = np.maximum(np.sqrt(np.array(spread, float)) / count, 1)
    return Normalization((mean / WHITE).tolist(), (deviation / WHITE).tolist())


def combined_digest(digests: npt.NDArray[np.uint8]) -> str:
    """Return the SHA-256 of the images' digests [N, bytes], in order, in hexadecimal."""
    return hashlib.sha256(digests.tobytes()).hexdigest()


def first_equal(digests: npt.NDArray[np.uint8], *, among: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return for each image the first of ``among`` [N] with the same digest ([N, bytes]); -1 outside ``among``."""
    rows = np.flatnonzero(among)
    whole = np.ascontiguousarray(digests[rows]).view(np.dtype((np.void, digests.shape[1])))[:, 0]
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    found = np.full(len(digests), -1)
    found[rows] = rows[first[inverse]]
    return found


def duplicates(digests: npt.NDArray[np.uint8], *, among: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which images of ``among`` [N] have the same pixels as an earlier one of them."""
    first = first_equal(digests, among=among)
    return among & (first != np.arange(len(digests)))
