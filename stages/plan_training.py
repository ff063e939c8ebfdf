"""Run a few real steps of a training, and scale them to all its images and epochs."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.artifacts.standardization import Standardization
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.stored_features import StoredFeatures
from scan_core.images.images import Images
from scan_core.images.open_images import SHARE_OF_DEVICE, open_images
from scan_core.machine.available_memory import free_bytes
from scan_core.machine.peak_memory import Peak, peak
from scan_core.pretext.training import PretextTraining
from scan_core.training.loop import Training
from stages.params import NO_TASK, Params
from stages.plan_measure import BUDGET, TRIAL, Measured, encoder_for, get_ready, normalization_of, with_values
from stages.pretext_train import pretext_training
from stages.scan_train import scan_training
from stages.self_label import self_label_training

SECOND_TRIAL = 32
"""Smallest batch size of the next run: by both, memory for a batch is told from memory for the network."""
SHARE_OF_MEMORY = 0.5
"""Largest share of the free memory that a measurement may take."""
LEARNING_RATE = 1e-6
"""So low that noise teaches nothing; it has no effect on the time."""


class Few(NamedTuple):
    """What a training of ``images`` images in batches of ``batch`` took."""

    batch: int
    images: int
    making: float
    """Seconds, before the first epoch."""
    epoch: float
    """Seconds of one epoch."""
    peak: int
    """Bytes of memory, beyond those of the libraries."""
    kept: int = 0
    """Bytes of memory that grow with the images."""
    file: int = 0
    """Bytes on the disk that grow with the images."""
    state: int = 0
    """Other bytes that are saved after an epoch."""


def measure_training(section: str, config: Params, count: int, devices: int, folder: Path) -> Measured:
    """Run a few steps of the training of ``section``, on noise or on a sample of the images.

    Args:
        count: images that it learns from.
        devices: CUDA devices that share each batch; this process does the work of one.
        folder: where the images are.
    """
    step = getattr(config, section)
    if not step.epochs or getattr(step, "task", None) == NO_TASK:
        return Measured(count, 0.0)
    device = get_ready(config)
    images = open_images(folder, device, workers=config.runtime.threads)
    own, batch = count // devices, max(2, min(step.batch_size, count) // devices)
    before = peak(device)
    runs = [_run(section, config, images, batch=min(TRIAL, batch), steps=1, folder=folder, before=before)]
    memory = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_bytes()
    for least in (SECOND_TRIAL, 0):  # of which the first one is warm
        last = runs[-1]
        in_time = max(least, last.images * BUDGET / (last.making + 2 * last.epoch))
        affordable = int(min(in_time, last.images * SHARE_OF_MEMORY * memory / max(1, last.peak)))
        size, steps = min(batch, affordable), max(1, min(affordable, own) // batch)
        if size >= last.batch and size * steps > last.images:
            runs.append(_run(section, config, images, batch=size, steps=steps, folder=folder, before=before))
    smaller = [run for run in runs if run.batch < runs[-1].batch] or [Few(0, 0, making=0.0, epoch=0.0, peak=0)]
    found = smaller[-1], runs[-1]
    measured = scaled(*found, images=own, batch=batch, epochs=_epochs(section, config, images))._replace(images=count)
    if device.type == "cpu":
        return measured
    resident = min(own * images.gather(torch.tensor([0])).nbytes, SHARE_OF_DEVICE * memory)
    return measured._replace(host=peak(device).host - before.host, device=measured.host + resident)


def scaled(smaller: Few, few: Few, *, images: int, batch: int, epochs: float) -> Measured:
    """Scale ``few`` to all ``images`` in batches of ``batch``, incomplete ones left out.

    Time and disk grow with the images, memory with the batch, as from ``smaller`` to ``few``, and with what is kept.
    """
    scale = images / few.images
    batch_bytes = max(0.0, (few.peak - smaller.peak) / (few.batch - smaller.batch))
    return Measured(
        images,
        few.making * scale + epochs * few.epoch * (images // batch * batch) / few.images,
        host=few.peak + batch_bytes * (batch - few.batch) + few.kept * max(0.0, scale - 1),
        disk=few.file * scale + few.state,
        batch=few.batch,
        batch_bytes=batch_bytes,
    )


def _run(section: str, config: Params, images: Images, *, batch: int, steps: int, folder: Path, before: Peak) -> Few:
    few = with_values(config, section, batch_size=batch, epochs=2, learning_rate=LEARNING_RATE)
    if section == "pretext":
        few = with_values(few, section, small_crops=None)  # which take less
    if section == "scan" and batch * steps < config.scan.cluster_count:  # too few for k-means
        few = with_values(few, section, init="random")
    ids, features = torch.arange(batch * steps) % len(images), folder / f"{section}-{batch}-{steps}"
    neighbors = torch.randint(len(ids), (len(ids), config.neighbors.k))
    started = time.perf_counter()
    training = _make(section, few, images, ids, neighbors, features)
    made = time.perf_counter()
    training.run_epoch()
    warm = time.perf_counter()
    training.run_epoch()
    ended = time.perf_counter()
    bank = training.task.bytes_per_image * len(ids) if isinstance(training, PretextTraining) else 0
    return Few(
        batch,
        len(ids),
        making=made - started,
        epoch=ended - warm,
        peak=peak(images.device).where_work_is() - before.where_work_is(),
        kept=neighbors.nbytes + len(ids) * _selection_bytes(section, config) + 2 * bank,  # one while it is saved
        file=bank + (features.stat().st_size if features.exists() else 0),
        state=sum(tensor.nbytes for tensor in training.state_dict().values()) - bank,
    )


def _make(
    section: str,
    config: Params,
    images: Images,
    ids: Int64[Tensor, " images"],
    neighbors: Int64[Tensor, "images neighbors"],
    features: Path,
) -> Training:
    """Make the training as its stage does, of a network with random weights."""
    if section == "pretext":
        return pretext_training(config, encoder_for(config, images), images, ids, normalization_of(images))
    metadata: Mapping[str, Any] = normalization_of(images)._asdict()
    encoder = encoder_for(config, images)
    stored = _noise(encoder.features, len(images)) if _takes_stored_features(section, config) else None
    if section == "scan":
        return scan_training(config, encoder, metadata, images, ids, neighbors, features=features, stored=stored)
    model = ClusteringModel(encoder, clusters=config.scan.cluster_count, heads=1)
    return self_label_training(config, model, metadata, images, ids, neighbors, features=features, stored=stored)


def _takes_stored_features(section: str, config: Params) -> bool:
    kmeans = section == "scan" and config.scan.init == "kmeans"
    return kmeans or (config.scan if section == "scan" else config.self_label).views == 0


def _noise(width: int, images: int) -> StoredFeatures:
    values = np.random.default_rng(0).standard_normal((images, width), dtype=np.float32)
    return StoredFeatures(values, Standardization(width))


def _selection_bytes(section: str, config: Params) -> int:
    """Return the bytes for each image while the best head is chosen: the logits in batches, and joined."""
    if section != "scan":
        return 0
    heads = config.scan.heads if config.scan.train_encoder else 1
    return 2 * heads * config.scan.cluster_count * torch.float32.itemsize


def _epochs(section: str, config: Params, images: Images) -> float:
    """Return the number of epochs; those with small crops count by their cost."""
    if section != "pretext":
        return getattr(config, section).epochs
    ids = torch.arange(TRIAL)
    few = with_values(config, section, batch_size=TRIAL)
    return sum(pretext_training(few, encoder_for(config, images), images, ids, normalization_of(images)).costs)
