"""How long each stage takes: measured seconds for one image, times the images."""

import math
from typing import NamedTuple

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
    infer: float
    """For one image, not augmented, through the encoder."""
    pair: float
    """To compare two embeddings while mining."""
    kmeans: float
    """To cluster one image with k-means, all restarts of all methods together."""


class PerTraining(NamedTuple):
    """A number for each training: epochs (at most; self-labeling may stop before) or images of a batch."""

    pretext: int
    scan: int
    self_label: int


EVALUATE_SECONDS = 4.0
"""For matching, charts and pictures."""


def stage_seconds(
    sizes: Sizes, epochs: PerTraining, batches: PerTraining, rates: Rates, *, decoding_beside: bool
) -> dict[str, float]:
    """Seconds of each stage; downloads are not among them.

    An image is decoded once for pretext, three times for SCAN (with its neighbor, and to choose the epoch) and twice
    for self-labeling (to count the confident ones).

    Args:
        decoding_beside: images are decoded while another device computes, so that only the slower of the two counts.
    """

    def with_decoding(images: int, rate: float) -> float:
        decode = images * rates.decode
        return max(decode, rate) if decoding_beside else decode + rate

    steps = stage_steps(sizes, epochs, batches)
    infer = with_decoding(1, rates.infer)
    work = {
        "fetch": sizes.images * rates.prepare,
        "pretext-train": steps["pretext-train"] * batches.pretext * with_decoding(1, rates.pretext),
        "embed": sizes.images * infer,
        "mine-neighbors": sizes.train**2 * rates.pair,
        "baselines": sizes.train * rates.kmeans + sizes.images * rates.decode,
        "scan-train": steps["scan-train"] * batches.scan * with_decoding(3, rates.scan),
        "self-label": steps["self-label"] * batches.self_label * with_decoding(2, rates.self_label),
        "evaluate": 2 * sizes.evaluate * infer + EVALUATE_SECONDS,
    }
    return {stage: rates.start + seconds for stage, seconds in work.items()}


def stage_steps(sizes: Sizes, epochs: PerTraining, batches: PerTraining) -> dict[str, int]:
    """Steps of each training in all its epochs, which drop incomplete batches; and the batches of ``embed``."""
    return {
        "pretext-train": epochs.pretext * (sizes.pretext // batches.pretext),
        "embed": math.ceil(sizes.images / INFERENCE_BATCH),
        "scan-train": epochs.scan * (sizes.train // batches.scan),
        "self-label": epochs.self_label * (sizes.train // batches.self_label),
    }
