"""What the plan measures: a few real steps of each stage, each in a process of its own, scaled to all images."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.artifacts.index import Normalization
from scan_core.artifacts.shards import ShardFormat
from scan_core.baselines.kmeans import kmeans, starts
from scan_core.clustering.model import ClusteringModel
from scan_core.datasets.dataset import Dataset
from scan_core.encoders.build import make_encoder
from scan_core.encoders.embed import normalize_features
from scan_core.encoders.encoder import Encoder
from scan_core.encoders.inference import infer
from scan_core.images.images import Images
from scan_core.images.open_images import SHARE_OF_DEVICE, open_images
from scan_core.ingest.choose import check_enough
from scan_core.ingest.load import load_images
from scan_core.ingest.store import pixel_store, shard_store
from scan_core.machine.cpu_threads import choose_threads
from scan_core.machine.device import choose_device
from scan_core.machine.freed_memory import keep_freed_memory
from scan_core.machine.peak_memory import Peak, peak
from scan_core.machine.search_memory import bytes_needed, free_bytes
from scan_core.neighbors.mine import mine_neighbors
from scan_core.neighbors.search import present_gpus
from scan_core.training.loop import Training
from stages.params import Params
from stages.plan_images import Counts, open_local
from stages.pretext_train import pretext_training
from stages.scan_train import scan_training
from stages.self_label import self_label_training

BUDGET = 4.0
"""Seconds for each measurement, beside those of a first trial."""
TRIAL = 16
"""Images in the first step of a training."""
SAMPLE, POINTS = 256, 4096
"""Images that are decoded, and embeddings that are searched."""
SHARE_OF_MEMORY = 0.5
"""Of what is free, what a measurement may take."""
LEARNING_RATE = 1e-6
"""So low that noise teaches nothing; it has no effect on the time."""


class Measured(NamedTuple):
    """What a stage takes for all images, but for its start."""

    images: int
    seconds: float | None
    """None where it cannot be measured."""
    host: float = 0.0
    """Bytes of memory at the peak."""
    device: float = 0.0
    """Bytes of a CUDA device's memory at the peak."""
    disk: float = 0.0
    batch: int = 0
    """Images in a measured step of a training."""
    batch_bytes: float = 0.0
    """How much of the peak each image of a batch takes."""


class _Run(NamedTuple):
    """A training on ``images`` images in batches of ``batch``."""

    batch: int
    images: int
    making: float
    """Seconds."""
    epoch: float
    """Seconds."""
    peak: int
    kept: int
    """Bytes that are kept for all images, in memory."""
    file: int
    """Bytes of a frozen encoder's features."""
    state: int
    """Bytes that are saved after an epoch."""


def measure_fetch(config: Params, root: Path, counts: Counts, folder: Path) -> Measured:
    """Take in a sample of the images to ``folder``, or noise in their place where they are not on this machine."""
    data, dataset = config.data, open_local(config.data, root)
    source = dataset or _noise(counts.channels, data.image_size)
    rows = np.random.default_rng(0).permutation(len(source.split))[: min(SAMPLE, counts.all)]
    format = ShardFormat(counts.channels, data.image_size)
    whole = counts.all * format.channels * format.image_size**2
    store = pixel_store if whole <= data.pixels_budget * 2**30 else shard_store
    started = time.perf_counter()
    with store(folder, len(rows), format) as images:
        loaded = load_images(
            source, rows, images, size=data.image_size, workers=config.runtime.threads, skip_unreadable=True
        )
        check_enough(int(loaded.readable.sum()), skipped=loaded.skipped)
        images.keep(loaded.readable)
    scale = counts.all / len(rows)
    return Measured(
        counts.all,
        (time.perf_counter() - started) * scale if dataset else None,
        host=peak(torch.device("cpu")).host,
        disk=sum(path.stat().st_size for path in folder.iterdir()) * scale,
    )


def _noise(channels: int, size: int) -> Dataset:
    pixels = np.random.default_rng(0).integers(0, 256, (SAMPLE, channels, size, size), dtype=np.uint8)
    return Dataset(
        channels,
        split=np.full(SAMPLE, "train", object),
        label=np.full(SAMPLE, -1),
        classes=(),
        path=["noise"] * SAMPLE,
        read=lambda rows: (pixels[row] for row in rows),
    )


def measure_training(section: str, config: Params, count: int, devices: int, folder: Path) -> Measured:
    """Run a few steps of the training of ``section``, on noise or on a sample of the images.

    Where a batch takes too long, or too much memory, a smaller one is measured; time and memory grow by its images.

    Args:
        count: images that it learns from.
        devices: CUDA devices that share each batch; this process does the work of one.
        folder: where the images are.
    """
    if not getattr(config, section).epochs:
        return Measured(count, 0.0)
    learns, device = count, _get_ready(config)
    images = open_images(folder, device, **config.runtime.decoding())
    count, batch = count // devices, min(getattr(config, section).batch_size, count) // devices
    before = peak(device).where_work_is()
    trial = run = _run(section, config, images, batch=min(TRIAL, batch), steps=1, folder=folder)
    memory = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_bytes()
    times = min(BUDGET / (trial.making + 2 * trial.epoch), SHARE_OF_MEMORY * memory / max(1, trial.peak - before))
    affordable = int(times * trial.images)
    size, steps = min(batch, affordable), max(1, min(affordable, count) // batch)
    smaller = (0, before)
    if size * steps > trial.images:
        run = _run(section, config, images, batch=size, steps=steps, folder=folder)
        smaller = (trial.batch, trial.peak) if size > trial.batch else smaller
    batch_bytes = max(0.0, (run.peak - smaller[1]) / (run.batch - smaller[0]))
    scale = count / run.images
    resident = min(count * images.gather(torch.tensor([0])).nbytes, SHARE_OF_DEVICE * memory)
    at_work = run.peak + batch_bytes * (batch - run.batch) + run.kept * max(0.0, scale - 1)
    return Measured(
        learns,
        run.making * scale + _epochs(section, config, images) * run.epoch * (count // batch * batch) / run.images,
        host=peak(device).host if device.type == "cuda" else at_work,
        device=at_work + resident if device.type == "cuda" else 0.0,
        disk=run.file * scale + run.state,
        batch=run.batch,
        batch_bytes=batch_bytes,
    )


def _run(section: str, config: Params, images: Images, *, batch: int, steps: int, folder: Path) -> _Run:
    few = _with(config, section, batch_size=batch, epochs=2, learning_rate=LEARNING_RATE)
    if section == "pretext":
        few = _with(few, section, small_crops=None)  # which take less
    ids, features = torch.arange(batch * steps) % len(images), folder / f"{section}-{batch}-{steps}"
    neighbors = torch.randint(len(ids), (len(ids), config.neighbors.k))
    started = time.perf_counter()
    training = _make(section, few, images, ids, neighbors, features)
    made = time.perf_counter()
    training.run_epoch()
    warm = time.perf_counter()
    training.run_epoch()
    ended = time.perf_counter()
    return _Run(
        batch,
        len(ids),
        making=made - started,
        epoch=ended - warm,
        peak=peak(images.device).where_work_is(),
        kept=neighbors.nbytes + len(ids) * _selection_bytes(section, config),
        file=features.stat().st_size if features.exists() else 0,
        state=sum(tensor.nbytes for tensor in training.state_dict().values()),
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
        return pretext_training(config, images, ids, _normalization(images))
    metadata: Mapping[str, Any] = _normalization(images)._asdict()
    if section == "scan":
        return scan_training(config, _encoder(config, images), metadata, images, ids, neighbors, features=features)
    model = ClusteringModel(_encoder(config, images), clusters=config.scan.clusters, heads=1)
    return self_label_training(config, model, metadata, images, ids, neighbors, features=features)


def _selection_bytes(section: str, config: Params) -> int:
    """Bytes for each image while the best head is chosen: the logits as they come, and joined."""
    if section != "scan":
        return 0
    heads = config.scan.heads if config.scan.train_encoder else 1
    return 2 * heads * config.scan.clusters * torch.float32.itemsize


def _epochs(section: str, config: Params, images: Images) -> float:
    """How many epochs there are, those with small crops counted by what they cost."""
    if section != "pretext":
        return getattr(config, section).epochs
    ids = torch.arange(TRIAL)
    training = pretext_training(_with(config, section, batch_size=TRIAL), images, ids, _normalization(images))
    return sum(training.costs)


def measure_others(config: Params, counts: Counts, folder: Path) -> dict[str, Measured]:
    """Embed, search and cluster a few images, and predict their clusters."""
    device = _get_ready(config)
    images = open_images(folder, device, **config.runtime.decoding())
    few = _with(config, "pretext", batch_size=TRIAL)
    model = pretext_training(few, images, torch.arange(TRIAL), _normalization(images)).model
    network = model.get_submodule({"projection": "", "backbone": "encoder"}[config.embed.layer])
    inference, features = _infer(network, images, config.pretext.precision, most=counts.all)
    unit = normalize_features(features, center=config.embed.center).unit
    embeddings = unit[:1].nbytes * counts.all
    top = peak(device)
    # The embeddings as batches, joined, centered and as unit vectors.
    grown = Peak(0, 4 * embeddings) if device.type == "cuda" else Peak(4 * embeddings, 0)
    host, on_device = top.host + grown.host, top.device + grown.device
    predictions = 2 * counts.evaluate * config.scan.clusters * torch.float32.itemsize
    return {
        "embed": Measured(counts.all, inference * counts.all, host, on_device, embeddings),
        "mine-neighbors": _mine(config, counts, unit.shape[1]),
        "baselines": Measured(counts.all, _cluster(config, counts, unit), host=top.host + 3.0 * embeddings),
        "evaluate": Measured(counts.evaluate, 2 * inference * counts.evaluate, host, on_device, predictions),
    }


def _infer(network: torch.nn.Module, images: Images, precision: str, *, most: int) -> tuple[float, Tensor]:
    """Seconds for an image, and what comes out for some."""
    count = TRIAL
    for _ in range(3):  # to get warm, to see how many can be afforded, and those
        ids = torch.arange(count) % len(images)
        started = time.perf_counter()
        features = infer(network, images, ids, **_normalization(images)._asdict(), precision=precision)
        features.sum().item()  # which waits for the device
        seconds = (time.perf_counter() - started) / count
        count = max(TRIAL, min(most, int(BUDGET / 4 / seconds)))
    return seconds, features


def _mine(config: Params, counts: Counts, dimensions: int) -> Measured:
    """Search exactly, among fewer points, which takes as long as their number squared."""
    points = min(counts.train, POINTS)
    unit = np.random.default_rng(0).standard_normal((points, dimensions), dtype=np.float32)
    gpus = present_gpus() if config.runtime.device in ("auto", "cuda") else ()
    k = min(config.neighbors.k, points - 1)
    for _ in range(2):  # the first one to get warm
        started = time.perf_counter()
        mined = mine_neighbors(unit, np.arange(points), k=k, gpus=gpus)
        seconds = time.perf_counter() - started
    needed = bytes_needed(
        images=counts.all,
        points=counts.train,
        dimensions=dimensions,
        k=config.neighbors.k,
        approximate=counts.train > config.neighbors.exact_up_to,
    )
    table = mined.neighbors.neighbor_id.nbytes + mined.neighbors.similarity.nbytes
    return Measured(
        counts.train,
        seconds * (counts.train / points) ** 2,
        host=needed,
        disk=table / max(1, points * k) * counts.train * config.neighbors.k,
    )


def _cluster(config: Params, counts: Counts, unit: np.ndarray) -> float:
    """Seconds of k-means on three kinds of features, all taken to be as wide as the embeddings."""
    points, clusters = min(len(unit), POINTS), min(config.scan.clusters, len(unit))
    started = time.perf_counter()
    kmeans(unit[:points], fit_ids=np.arange(points), clusters=clusters, seed=0, workers=config.runtime.threads)
    runs = starts(counts.train, config.scan.clusters) / starts(points, clusters)
    return 3 * (time.perf_counter() - started) * runs * counts.train / points


def _get_ready(config: Params) -> torch.device:
    """As a stage does."""
    device = choose_device(config.runtime.device)
    if device.type == "cpu":
        keep_freed_memory()
        choose_threads()
    return device


def _with(config: Params, section: str, **values: object) -> Params:
    """The parameters with other ``values`` in ``section``."""
    return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})


def _encoder(config: Params, images: Images) -> Encoder:
    encoder = config.encoder
    return make_encoder(encoder.name, encoder.arguments(), channels=images.channels, image_size=images.size)


def _normalization(images: Images) -> Normalization:
    return Normalization([0.5] * images.channels, [0.25] * images.channels)
