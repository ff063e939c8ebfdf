"""Cache an encoder's outputs by the content of the images: only new images are computed."""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from scan_core.artifacts.model import read_model, write_model
from scan_core.console.progress import say, warn
from scan_core.errors import ArtifactError
from scan_core.images.images import Images
from scan_core.parallel.distributed import processes

LIMIT = 2**31
"""Upper limit of a cache in bytes; larger outputs are not cached."""
FRESH = 600.0
"""Seconds: a run writes its cache more often than that."""
_DIGEST, _BATCH = 16, 512
Outputs = Float[Tensor, "images outputs"]


def infer_new(
    path: Path,
    images: Images,
    infer: Callable[[Int64[Tensor, " new"], Callable[[Outputs], None] | None], Outputs],
    *,
    width: int,
) -> tuple[Float[Tensor, "images outputs"], int]:
    """Return the outputs of ``infer`` for all ``images``, and how many of them came from the cache ``path``.

    Afterwards, the cache has the outputs of exactly these images, and caches of other encoders are removed unless they
    are ``FRESH``. With several processes, there is no cache.

    Args:
        path: the file; its name is a word, a dash, and a digest of all that outputs depend on, except the pixels.
        infer: returns the outputs of the images with these ids; an image's output must not depend on other images.
            Meanwhile it may hand those of the first ones to the function that it receives, which puts them into the
            cache, so that a run that is interrupted does not compute them again.
        width: approximate number of outputs of an image.
    """
    everything = torch.arange(len(images))
    if processes() > 1 or len(images) * width * torch.float32.itemsize > LIMIT:
        return infer(everything, None), 0
    keys = content_keys(images)
    known, cached = _read(path)
    rows = torch.tensor([known.get(key.tobytes(), -1) for key in keys])
    old, new = everything[rows >= 0], everything[rows < 0]
    from_cache = [cached[rows[old]].to(images.device)] if len(old) else []
    if len(old):
        say(f"embed: {len(old):,} of {len(images):,} images are in the cache")

    def save(found: Outputs) -> None:
        done = torch.cat([old, new[: len(found)]])
        _write(path, keys[done.numpy()], torch.cat([*from_cache, found]))

    computed = [infer(new, save)] if len(new) else []
    outputs = torch.cat([*from_cache, *computed])[torch.cat([old, new]).argsort().to(images.device)]
    _write(path, keys, outputs)
    _remove_others(path)
    return outputs, len(old)


def content_keys(images: Images) -> UInt8[np.ndarray, "images digest"]:
    """Return a digest of each image's pixels."""
    keys = [
        hashlib.blake2b(pixels.tobytes(), digest_size=_DIGEST).digest()
        for batch in images.batches(torch.split(torch.arange(len(images)), _BATCH))
        for pixels in batch.cpu().numpy()
    ]
    return np.frombuffer(b"".join(keys), np.uint8).reshape(-1, _DIGEST)


def _read(path: Path) -> tuple[dict[bytes, int], Outputs]:
    if path.exists():
        try:
            tensors, _ = read_model(path)
            return {key.tobytes(): row for row, key in enumerate(tensors["keys"].numpy())}, tensors["outputs"]
        except (ArtifactError, KeyError) as error:
            warn(f"{error}; all images are embedded again")
    return {}, torch.empty(0, 0)


def _write(path: Path, keys: UInt8[np.ndarray, "images digest"], outputs: Outputs) -> None:
    """Replace the cache; if it cannot be written, warn and go on."""
    try:
        write_model(path, {"keys": torch.from_numpy(keys.copy()), "outputs": outputs}, {})
    except ArtifactError as error:
        warn(f"{error}; the images will be embedded again next time")


def _remove_others(path: Path) -> None:
    """Remove the caches of other encoders, and what kills have left of them, unless another run may be writing them."""
    word = path.name.partition("-")[0]
    for other in (*path.parent.glob(f"{word}-*{path.suffix}"), *path.parent.glob(f".{word}-*.tmp")):
        with suppress(OSError):
            if other != path and time.time() - other.stat().st_mtime > FRESH:
                other.unlink()
