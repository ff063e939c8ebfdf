"""Decode stored images to pixels, without PyTorch, whose import takes more memory than they do."""

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from scan_core.artifacts.images import PIXELS, read_pixels
from scan_core.artifacts.shards import ShardFormat, Shards
from scan_core.errors import ArtifactError
from scan_core.images.formats import JPEG, UnreadableImageError
from scan_core.images.resize import BILINEAR, channels_first, decode_and_resize


def decode_stored(encoded: bytes, image_id: int, format: ShardFormat) -> npt.NDArray[np.uint8]:
    """Return the pixels [C, S, S] of a file in a shard.

    Raises:
        ArtifactError: the file is damaged.
    """
    try:
        if encoded.startswith(JPEG):
            side = format.image_size
            return channels_first(decode_and_resize(encoded, side, format.fit, BILINEAR, most_pixels=sys.maxsize).image)
        with Image.open(BytesIO(encoded), formats=["PNG"]) as image:  # fetch has already resized it
            return channels_first(image)
    except (KeyError, OSError, SyntaxError, UnreadableImageError, ValueError) as error:
        raise ArtifactError(
            f"data/artifacts/images: image {image_id} is damaged ({error}); run dvc repro fetch"
        ) from error


def first_images(folder: Path, count: int) -> npt.NDArray[np.uint8]:
    """Return the pixels [n, C, S, S] of at most ``count`` images: those with the first ids, a random draw."""
    if (folder / PIXELS).exists():
        return read_pixels(folder)[:count]
    shards = Shards(folder)
    ids = range(min(count, len(shards)))
    return np.stack([decode_stored(shards.read(i), i, shards.format) for i in ids])
