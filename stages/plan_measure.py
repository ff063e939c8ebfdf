"""Measure a few real steps of each stage but the trainings, and scale them to all images."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from scan_core.artifacts.index import Normalization
from scan_core.artifacts.shards import ShardFormat
from scan_core.baselines.names import KMEANS
from scan_core.counting.curve import curve, numbers_to_try
from scan_core.datasets.dataset import Dataset
from scan_core.encoders.encoder import Encoder
from scan_core.encoders.inference import infer
from scan_core.encoders.pretext_model import PretextModel
from scan_core.encoders.unit_vectors import normalize_features
from scan_core.images.images import Images
from scan_core.images.open_images import open_images
from scan_core.images.preparation import Preparation
from scan_core.ingest.choose import check_enough
from scan_core.ingest.load import load_images
from scan_core.ingest.store import pixel_store, shard_store
from scan_core.kmeans.kmeans import kmeans, rows_in_turn
from scan_core.machine.peak_memory import peak
from scan_core.machine.search_memory import bytes_needed
from scan_core.neighbors.mine import mine_neighbors
from scan_core.neighbors.search import present_gpus
from stages.devices import choose_device, prepare
from stages.embed import network
from stages.new_encoder import new_encoder
from stages.params import NO_TASK, Params
from stages.plan_images import Counts, open_local
from stages.pretext_train import pretext_training
from stages.preview import ROWS

Result = TypeVar("Result")
BUDGET = 4.0
"""Seconds for each measurement, without those of a first trial."""
TRIAL = 8
"""Batch size of the first step of a training."""
SAMPLE, POINTS = 256, 4096
"""Number of images to decode, and of embeddings to search."""


class Measured(NamedTuple):
    """What a stage takes for all images, without its start."""

    images: int
    seconds: float | None
    """None where it cannot be measured."""
    host: float = 0.0
    """Bytes of memory at the peak, beyond those of the libraries."""
    device: float = 0.0
    """Bytes of a CUDA device's memory at the peak."""
    disk: float = 0.0
    batch: int = 0
    """Batch size of the measured steps of a training, of all devices together."""
    batch_bytes: float = 0.0
    """Bytes of the peak for each image of a batch."""


def measure_fetch(config: Params, root: Path, counts: Counts, folder: Path) -> Measured:
    """Take in a sample of the images to ``folder``, or noise in their place where they are not on this machine."""
    data, dataset = config.data, open_local(config.data, root)
    source = dataset or _noise(counts.channels, data.image_size)
    rows = np.random.default_rng(0).permutation(len(source.split))[: min(SAMPLE, counts.all)]
    format = ShardFormat(counts.channels, data.image_size, data.fit)
    whole = counts.all * format.channels * format.image_size**2
    store = pixel_store if whole <= data.pixels_budget * 2**30 else shard_store
    before, started = peak(torch.device("cpu")), time.perf_counter()
    with store(folder, len(rows), format) as images:
        loaded = load_images(
            source,
            rows,
            images,
            preparation=Preparation(data.image_size, data.fit, interpolation=data.interpolation),
            workers=config.runtime.threads,
            skip_unreadable=True,
        )
        check_enough(int(loaded.readable.sum()), skipped=loaded.skipped)
        images.keep(loaded.readable)
    scale = counts.all / len(rows)
    return Measured(
        counts.all,
        (time.perf_counter() - started) * scale if dataset else None,
        host=peak(torch.device("cpu")).host - before.host,
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


def measure_others(config: Params, counts: Counts, folder: Path) -> dict[str, Measured]:
    """Embed, search and cluster a few images, and predict their clusters."""
    device = get_ready(config)
    before, images = peak(device), open_images(folder, device, workers=config.runtime.threads)
    model = _model(config, images)
    inference, outputs = _infer(network(model, config.embed.layer), images, config.pretext.precision, most=counts.all)
    width = model.encoder.features
    unit = normalize_features(
        outputs[:, width:] if config.embed.layer == "projection" else outputs,
        center_of=np.arange(len(outputs)) if config.embed.center else None,
    ).unit
    embeddings, top = unit[:1].nbytes * counts.all, peak(device)
    # The outputs as batches and joined; the embeddings centered and as unit vectors.
    kept = 2 * (outputs[:1].nbytes * counts.all + embeddings)
    host, on_device = top.host - before.host, top.device
    host, on_device = (host, on_device + kept) if device.type == "cuda" else (host + kept, on_device)
    stored = width * torch.float32.itemsize * counts.all
    predictions = 2 * counts.evaluate * config.scan.cluster_count * torch.float32.itemsize
    again = counts.evaluate * inference * _looks(config)
    return {
        "preview": Measured(min(ROWS, counts.all), 0.0),  # little beside its start
        "embed": Measured(counts.all, inference * counts.all, host, on_device, embeddings + stored),
        "mine-neighbors": _mine(config, counts, unit.shape[1]),
        "count-clusters": _count(config, counts, unit.shape[1]),
        "baselines": Measured(counts.all, _cluster(config, counts, unit), top.host - before.host + 3 * embeddings),
        "evaluate": Measured(counts.evaluate, again, host, on_device, predictions),
    }


def _model(config: Params, images: Images) -> PretextModel:
    """Return the model that pretext-train would write, with random weights."""
    encoder = encoder_for(config, images)
    if config.pretext.task == NO_TASK:
        return PretextModel(encoder, projection=None).to(images.device)
    few = with_values(config, "pretext", batch_size=TRIAL)
    return pretext_training(few, encoder, images, torch.arange(TRIAL), normalization_of(images)).model


def _looks(config: Params) -> int:
    """Return how often evaluate runs the encoder: for each model that has not learned from stored features alone."""
    if config.scan.views:
        return 2
    return int(config.self_label.epochs > 0 and config.self_label.views > 0)


def _infer(network: torch.nn.Module, images: Images, precision: str, *, most: int) -> tuple[float, Tensor]:
    """Return the seconds for an image, and the outputs of some images."""

    def work() -> Tensor:
        ids = torch.arange(count) % len(images)
        found = infer(network, images, ids, **normalization_of(images)._asdict(), precision=precision)
        found.sum().item()  # which waits for the device
        return found

    count = TRIAL
    for _ in range(3):  # to get warm, to see how many can be afforded, and those
        seconds, outputs = _timed(work)
        count = max(TRIAL, min(most, int(BUDGET / 4 * len(outputs) / seconds)))
    return seconds / len(outputs), outputs


def _mine(config: Params, counts: Counts, dimensions: int) -> Measured:
    """Search exactly among fewer points, and scale the time by the square of their number."""
    points, k = min(counts.train, POINTS), config.neighbors.k
    unit, gpus = _vectors(points, dimensions), present_gpus() if config.runtime.device in ("auto", "cuda") else ()
    for _ in range(2):  # the first one to get warm
        seconds, mined = _timed(lambda: mine_neighbors(unit, np.arange(points), k=min(k, points - 1), gpus=gpus))
    approximate = counts.train > config.neighbors.exact_up_to
    needed = bytes_needed(images=counts.all, points=counts.train, dimensions=dimensions, k=k, approximate=approximate)
    table = mined.neighbors.neighbor_id.itemsize + mined.neighbors.similarity.itemsize
    return Measured(counts.train, seconds * (counts.train / points) ** 2, needed, disk=table * counts.train * k)


def _count(config: Params, counts: Counts, dimensions: int) -> Measured:
    """Try every fourth number of clusters, on noise."""
    points = min(counts.train, config.count_clusters.sample)
    noise, numbers = _vectors(points, dimensions), numbers_to_try(points, most=config.count_clusters.most)
    tried = numbers[::4]
    seconds, _ = _timed(lambda: list(curve(noise, numbers=tried, seed=0)))
    host = 2 * noise.nbytes + points**2 * noise.itemsize
    return Measured(points, seconds * len(numbers) / max(1, len(tried)), host)


def _cluster(config: Params, counts: Counts, unit: np.ndarray) -> float | None:
    """Return the seconds of k-means on three kinds of features, all taken to be as wide as the embeddings.

    None with further methods, which are not measured.
    """
    if further_baselines(config):
        return None
    points, clusters = min(len(unit), POINTS), min(config.scan.cluster_count, len(unit))
    fit_ids, workers = np.arange(points), config.runtime.threads
    seconds, _ = _timed(lambda: kmeans(unit[:points], fit_ids=fit_ids, clusters=clusters, seed=0, workers=workers))
    large, small = (
        rows_in_turn(images, count, workers=workers)
        for images, count in ((counts.train, config.scan.cluster_count), (points, clusters))
    )
    return 3 * seconds * large / small


def further_baselines(config: Params) -> list[str]:
    """Return the methods of baselines.methods beside k-means."""
    return [method for method in config.baselines.methods if method != KMEANS]


def _vectors(points: int, dimensions: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((points, dimensions), dtype=np.float32)


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def get_ready(config: Params) -> torch.device:
    """Choose and prepare the device as a stage does."""
    device = choose_device(config.runtime.device)
    prepare(device)
    return device


def with_values(config: Params, section: str, **values: object) -> Params:
    """Return the parameters with other ``values`` in ``section``."""
    return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})


def encoder_for(config: Params, images: Images) -> Encoder:
    """Return the encoder with random weights: others take as long."""
    return new_encoder(config.encoder, channels=images.channels, image_size=images.size)


def normalization_of(images: Images) -> Normalization:
    return Normalization([0.5] * images.channels, [0.25] * images.channels)
