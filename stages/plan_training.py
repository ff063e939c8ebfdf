"""Run a few real steps of a training, and scale them to all its images and epochs."""

import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

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
from scan_core.machine.peak_memory import peak
from scan_core.training.loop import Training
from stages.params import Params
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
    """What a training of ``images`` images in batches of ``batch`` took: seconds and bytes."""

    batch: int
    images: int
    making: float
    """Before the first epoch."""
    epoch: float
    peak: int
    """Of memory, since the process began."""
    file: int = 0
    """Of features on the disk."""
    state: int = 0
    """Saved after an epoch."""


def measure_training(section: str, count: int, devices: int, config: Params, folder: Path) -> Measured:
    """Run a few steps of the training of ``section``, on noise or on a sample of the images.

    Args:
        count: images that it learns from.
        devices: CUDA devices that share each batch; this process does the work of one.
        folder: where the images are.
    """
    step, device = getattr(config, section), get_ready(config)
    images = open_images(folder, device, workers=config.runtime.threads)
    own, batch = count // devices, max(2, min(step.batch_size, count) // devices)
    before, few = peak(device), partial(_run, section, config, images, folder=folder)
    runs = [few(batch=min(TRIAL, batch), steps=1)]
    memory = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_bytes()
    for least in (SECOND_TRIAL, 0):  # of which the first one is warm
        last = runs[-1]
        in_time = max(least, last.images * BUDGET / (last.making + 2 * last.epoch))
        own_bytes = max(1, last.peak - before.on(device))
        affordable = int(min(in_time, last.images * SHARE_OF_MEMORY * memory / own_bytes))
        size, steps = min(batch, affordable), max(1, min(affordable, own) // batch)
        if size >= last.batch and size * steps > last.images:
            runs.append(few(batch=size, steps=steps))
    smaller = next((run for run in reversed(runs) if run.batch < runs[-1].batch), runs[0])
    epochs = _epochs(config, images) if section == "pretext" else step.epochs
    kept = config.neighbors.k * torch.int64.itemsize + _selection_bytes(section, config)
    found = scaled(smaller, runs[-1], images=own, batch=batch, epochs=epochs, kept=kept)
    host = found.host - before.on(device)
    found = found._replace(images=count, host=host, batch=found.batch * devices)
    if device.type == "cpu":
        return found
    resident = min(own * images.gather(torch.tensor([0])).nbytes, SHARE_OF_DEVICE * memory)
    return found._replace(host=peak(device).host - before.host, device=found.host + resident)


def scaled(smaller: Few, few: Few, *, images: int, batch: int, epochs: float, kept: float) -> Measured:
    """Scale ``few`` to all ``images`` in batches of ``batch``, incomplete ones left out.

    Time grows with the images; the peak of memory with the batch, and the disk with the images, as from ``smaller`` to
    ``few``. An image's part of the state is in memory twice while it is saved, beside ``kept`` bytes of each image.
    """

    def growth(quantity: str, by: str) -> float:
        change, more = (getattr(few, name) - getattr(smaller, name) for name in (quantity, by))
        return max(0.0, change / more) if more else 0.0

    batch_bytes, of_state, further = growth("peak", "batch"), growth("state", "images"), images - few.images
    return Measured(
        images,
        few.making * images / few.images + epochs * few.epoch * (images // batch * batch) / few.images,
        host=few.peak + batch_bytes * (batch - few.batch) + (kept + 2 * of_state) * max(0, further),
        disk=few.file + few.state + (growth("file", "images") + of_state) * further,
        batch=few.batch,
        batch_bytes=batch_bytes,
    )


def _run(section: str, config: Params, images: Images, *, batch: int, steps: int, folder: Path) -> Few:
    few = with_values(config, section, batch_size=batch, epochs=2, learning_rate=LEARNING_RATE)
    if section == "pretext":
        few = with_values(few, section, small_crops=None)  # which take less
    if section == "scan" and batch * steps < config.scan.cluster_count:  # too few for k-means
        few = with_values(few, section, init="random")
    ids, features = torch.arange(batch * steps) % len(images), folder / f"{section}-{batch}-{steps}"
    started = time.perf_counter()
    training = _make(section, few, images, ids, features)
    made = time.perf_counter()
    training.run_epoch()
    warm = time.perf_counter()
    training.run_epoch()
    ended = time.perf_counter()
    return Few(
        batch,
        len(ids),
        making=made - started,
        epoch=ended - warm,
        peak=peak(images.device).on(images.device),
        file=features.stat().st_size if features.exists() else 0,
        state=sum(tensor.nbytes for tensor in training.state_dict().values()),
    )


def _make(section: str, config: Params, images: Images, ids: Int64[Tensor, " images"], features: Path) -> Training:
    """Make the training as its stage does, of a network with random weights, on random neighbors and features."""
    encoder, normalization = encoder_for(config, images), normalization_of(images)
    if section == "pretext":
        return pretext_training(config, encoder, images, ids, normalization)
    neighbors = torch.randint(len(ids), (len(ids), config.neighbors.k))
    values = np.random.default_rng(0).standard_normal((len(images), encoder.features), dtype=np.float32)
    stored = StoredFeatures(values, Standardization(encoder.features))
    data = normalization._asdict(), images, ids, neighbors
    if section == "scan":
        return scan_training(config, encoder, *data, features=features, stored=stored)
    model = ClusteringModel(encoder, clusters=config.scan.cluster_count, heads=1)
    without_views = None if config.self_label.views else stored
    return self_label_training(config, model, *data, features=features, stored=without_views)


def _selection_bytes(section: str, config: Params) -> int:
    """Return the bytes for each image while the best head is chosen: the logits in batches, and joined."""
    if section != "scan":
        return 0
    heads = config.scan.heads if config.scan.train_encoder else 1
    return 2 * heads * config.scan.cluster_count * torch.float32.itemsize


def _epochs(config: Params, images: Images) -> float:
    """Return the number of epochs of the pretext task; those with small crops count by their cost."""
    few, ids = with_values(config, "pretext", batch_size=TRIAL), torch.arange(TRIAL)
    return sum(pretext_training(few, encoder_for(config, images), images, ids, normalization_of(images)).costs)
