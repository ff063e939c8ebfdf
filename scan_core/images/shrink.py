"""Smaller pictures by averages of blocks."""

import numpy as np
from jaxtyping import Float32, UInt8


def shrink(
    images: UInt8[np.ndarray, "images channels height width"], *, largest: int
) -> Float32[np.ndarray, "images channels smaller_height smaller_width"]:
    """Average square blocks of pixels so that no side exceeds ``largest``; values stay in [0, 255].

    An incomplete last block is left out. Images that are small enough keep their size.
    """
    count, channels, height, width = images.shape
    block = -(-max(height, width) // largest)
    rows, columns = height // block, width // block
    whole = images[:, :, : rows * block, : columns * block].astype(np.float32)
    return whole.reshape(count, channels, rows, block, columns, block).mean(axis=(3, 5))
