"""Fingerprints of the final pixels: of all together, and of each image to find exact duplicates."""

import hashlib

import numpy as np
import numpy.typing as npt


def pixels_digest(pixels: npt.NDArray[np.uint8]) -> str:
    """SHA-256 of the bytes of ``pixels`` [N, C, H, W], in hexadecimal."""
    digest = hashlib.sha256()
    for image in pixels:
        digest.update(image.tobytes())
    return digest.hexdigest()


def count_duplicates(pixels: npt.NDArray[np.uint8]) -> int:
    """How many images of ``pixels`` [N, C, H, W] equal an earlier one, pixel by pixel."""
    distinct = {hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in pixels}
    return len(pixels) - len(distinct)
