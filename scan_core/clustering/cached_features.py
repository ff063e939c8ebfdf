"""Compute the features of a frozen encoder once, for each image without augmentation and for augmented views."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scan_core.artifacts.standardization import Standardization
from scan_core.augment.normalize import normalize
from scan_core.augment.pipeline import Augmentation
from scan_core.console.progress import track
from scan_core.encoders.encoder import Encoder
from scan_core.errors import ArtifactError, TrainingError
from scan_core.images.images import Images
from scan_core.machine.cpu_threads import FittingThreads
from scan_core.training.precision import autocast

_BATCH = 256
_CHUNK = 8192
SHARE_OF_DEVICE = 0.5
"""Largest share of the device's free memory for the features."""


class CachedFeatures:
    """Features of M images, D numbers each: without augmentation, and of V augmented views.

    Args:
        values: [1 + V, M, D], the images without augmentation first; V may be 0. A memory-mapped file stays on the
            disk. If ``device`` is a GPU, values that fit are copied to it.
        device: the device to return features on.
    """

    def __init__(self, values: Float[np.ndarray, "all images width"], device: torch.device) -> None:
        self.device = device
        self.views = len(values) - 1
        self._images = values.shape[1]
        self._rows = torch.from_numpy(values.reshape(-1, values.shape[2]))
        if device.type == "cuda" and values.nbytes < SHARE_OF_DEVICE * torch.cuda.mem_get_info(device)[0]:
            self._rows = self._rows.to(device)  # pragma: gpu

    def __len__(self) -> int:
        return self._images

    def gather(self, rows: Int64[Tensor, " batch"], views: Int64[Tensor, " batch"]) -> Float[Tensor, "batch width"]:
        """Return one view of each of the images ``rows``, float32 on the device; view -1 is without augmentation."""
        wanted = ((views + 1) * self._images + rows).to(self._rows.device, non_blocking=True)
        return self._rows.index_select(0, wanted).to(self.device, non_blocking=True).float()

    def plain(self, rows: Int64[Tensor, " images"] | None = None) -> Iterator[Float[Tensor, "chunk width"]]:
        """Yield the features of the images ``rows`` (or all) without augmentation, in chunks, float32 on the device."""
        plain = self._rows[: self._images]
        for chunk in torch.split(plain if rows is None else plain[rows.to(plain.device)], _CHUNK):
            yield chunk.to(self.device, non_blocking=True).float()


def cache_features(
    path: Path,
    encoder: Encoder,
    images: Images,
    image_ids: Int64[Tensor, " images"],
    augmentation: Augmentation,
    *,
    views: int,
    precision: str,
    generator: torch.Generator,
    standardization: Standardization | None = None,
) -> CachedFeatures:
    """Compute features of the images ``image_ids``, without augmentation and of ``views`` augmented views each.

    The ``encoder`` runs in evaluation mode. The file ``path`` holds only float16 numbers, view after view. If it
    exists, the views that it lacks are appended; the caller makes sure that nothing else has changed. Each view has its
    own generator, so an interrupted run ends with the same content.

    Args:
        standardization: applied to the features; None stores them as they are.

    Raises:
        ArtifactError: the disk has too little space, or the file cannot be written.
        TrainingError: a feature is not finite in float16.
    """
    shape = (1 + views, len(image_ids), encoder.features)
    view_bytes = 2 * shape[1] * shape[2]
    seeds = torch.randint(2**63 - 1, (views,), generator=generator).tolist()
    done = min(path.stat().st_size // view_bytes, 1 + views) if path.exists() else 0
    transforms: list[Callable[[Tensor], Tensor]] = [partial(normalize, mean=augmentation.mean, std=augmentation.std)]
    transforms += [partial(augmentation, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    threads = FittingThreads(images.device)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _check_space(path, (1 + views - done) * view_bytes)
        with path.open("ab") as file:
            file.truncate(done * view_bytes)
            for view in range(done, 1 + views):
                name = f"features, view {view} of {views}" if view else "features of the plain images"
                batches = torch.split(image_ids, _BATCH)
                pictures = track(images.batches(batches), description=name, total=len(batches), unit="batches")
                for pixels in threads.watch(pictures):
                    file.write(_features(encoder, transforms[view](pixels), precision, standardization).tobytes())
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise ArtifactError(
            f"{path}: cannot be written ({error.strerror or error}); free space, make the folder writable, or lower "
            "views, then run the same command again"
        ) from error
    return CachedFeatures(np.memmap(path, np.float16, "c", shape=shape), images.device)


@torch.no_grad()
def _features(
    encoder: Encoder, pixels: Tensor, precision: str, standardization: Standardization | None
) -> npt.NDArray[np.float16]:
    encoder.eval()
    with autocast(pixels.device, precision):
        output = encoder(pixels)
    features = (output if standardization is None else standardization(output.float())).half().cpu().numpy()
    if not np.isfinite(features).all():
        raise TrainingError("the encoder's features are not finite in float16; train the pretext task again")
    return features


def _check_space(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise ArtifactError(
            f"{path}: the features take {needed / 2**20:,.1f} MiB, expected at most the {free / 2**20:,.1f} MiB "
            "that are free; lower views, or free space (make clean removes what abandoned "
            "trainings left)"
        )
