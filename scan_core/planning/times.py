"""How long each stage takes: measured seconds for one image, times the images."""

import math
from typing import NamedTuple

from scan_core.neighbors.ivf import SAMPLE, TRAINING_PER_LIST, lists_of
from scan_core.planning.needs import INFERENCE_BATCH
from scan_core.planning.sizes import Sizes


class Rates(NamedTuple):
    """Seconds, measured on this machine."""

    start: float
    """Of a stage before its work: Python and the libraries."""
    prepare: float
    """To decode and resize one image for fetch, on all threads."""
    decode: float
    """To decode one stored image while training, on all threads; 0 where pixels are stored."""
    pretext: float
    """To train on one image, everything included; so are the next two."""
    scan: float
    self_label: float
    scan_augment: float
    """To augment one image; so is the next."""
    self_label_augment: float
    infer: float
    """For one image, not augmented, through the encoder."""
    pair: float
    """To compare two embeddings while mining."""
    kmeans: float
    """To cluster one image with k-means, all restarts of all methods together."""


class PerTraining(NamedTuple):
    """A number for each training: epochs (at most; self-labeling may stop before), images of a batch, or views."""

    pretext: int
    scan: int
    self_label: int


EVALUATE_SECONDS = 4.0
"""For matching, charts and pictures."""
PROBED = 16
"""Lists that an approximate search is taken to visit for each image; how many it must is known only afterwards."""
TRAINING_PASSES = 10
"""Of k-means, to find the lists' centers."""


def stage_seconds(
    sizes: Sizes,
    epochs: PerTraining,
    batches: PerTraining,
    rates: Rates,
    *,
    views: PerTraining,
    exact_up_to: int,
    devices: int,
    decoding_beside: bool,
) -> dict[str, float]:
    """Seconds of each stage; downloads are not among them.

    In an epoch an image is decoded once for pretext and self-labeling, and three times for SCAN (with its neighbor, and
    to choose the epoch); where the encoder is frozen, once for each view.

    Args:
        views: augmentations that a frozen encoder sees once; 0 where it learns.
        exact_up_to: beyond so many images mining is approximate.
        devices: which compute beside each other, each as fast as one alone.
        decoding_beside: images are decoded while another device computes, so that only the slower of the two counts.
    """

    def with_decoding(images: int, rate: float) -> float:
        decode = images * rates.decode
        return max(decode, rate) if decoding_beside else decode + rate

    def training(stage: str, batch: int, rate: float, *, decoded: int, views: int, augment: float) -> float:
        images = steps[stage] * batch
        if not views:
            return images * with_decoding(decoded, rate / devices)
        view_rate = (1 + views) * rates.infer + views * augment
        return sizes.train * with_decoding(1 + views, view_rate) + images * rate

    steps = stage_steps(sizes, epochs, batches)
    work = {
        "fetch": sizes.images * rates.prepare,
        "pretext-train": training("pretext-train", batches.pretext, rates.pretext, decoded=1, views=0, augment=0.0),
        "embed": sizes.images * with_decoding(1, rates.infer / devices),
        "mine-neighbors": _compared(sizes.train, exact_up_to=exact_up_to) * rates.pair,
        "baselines": sizes.train * rates.kmeans + sizes.images * rates.decode,
        "scan-train": training(
            "scan-train", batches.scan, rates.scan, decoded=3, views=views.scan, augment=rates.scan_augment
        ),
        "self-label": training(
            "self-label",
            batches.self_label,
            rates.self_label,
            decoded=1,
            views=views.self_label,
            augment=rates.self_label_augment,
        ),
        "evaluate": 2 * sizes.evaluate * with_decoding(1, rates.infer) + EVALUATE_SECONDS,
    }
    return {stage: rates.start + seconds for stage, seconds in work.items()}


def _compared(images: int, *, exact_up_to: int) -> int:
    """Pairs of vectors that mining compares: images, centers of lists, and a sample exactly, for its recall."""
    if images <= exact_up_to:
        return images**2
    lists = lists_of(images)
    to_learn = TRAINING_PASSES * min(images, TRAINING_PER_LIST * lists) * lists
    return to_learn + images * (2 * lists + PROBED * images // lists + SAMPLE)


def stage_steps(sizes: Sizes, epochs: PerTraining, batches: PerTraining) -> dict[str, int]:
    """Steps of each training in all its epochs, which drop incomplete batches; and the batches of ``embed``."""
    return {
        "pretext-train": epochs.pretext * (sizes.pretext // batches.pretext),
        "embed": math.ceil(sizes.images / INFERENCE_BATCH),
        "scan-train": epochs.scan * (sizes.train // batches.scan),
        "self-label": epochs.self_label * (sizes.train // batches.self_label),
    }
