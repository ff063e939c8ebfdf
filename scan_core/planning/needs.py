"""What each stage needs in memory and on the disk: sums over the arrays that it holds at its peak."""

from typing import NamedTuple

from scan_core.planning.sizes import Sizes

FLOAT = 4
INT64 = 8

ENCODED_SHARE = 0.75
"""Bytes of an encoded picture relative to its pixels: about that of JPEG files of ImageNet, and of PNG, at 224 px."""
TRANSIENT = 1.3
"""A step's peak relative to what it keeps for the backward pass: gradients and views on their way."""
INFERENCE_BATCH = 512
"""Of scan_core.encoders.inference."""


class Footprint(NamedTuple):
    """Bytes of one training step, measured."""

    fixed: float
    """Kept for the backward pass whatever the batch: weights."""
    per_image: float
    """Kept for each image of the batch, all its views together."""


class Work(NamedTuple):
    """All that the needs depend on."""

    sizes: Sizes
    download: int
    """Bytes that fetch keeps in .downloads."""
    image_bytes: int
    """Pixels of one image."""
    encoded: bool
    """Whether images are stored encoded, and decoded whenever they are needed."""
    embedding_dim: int
    neighbors: int
    clusters: int
    heads: int
    pretext_batch: int
    scan_batch: int
    self_label_batch: int
    """Images of one step on one device."""
    weights: int
    """Bytes of the encoder and its head."""
    largest_output: int
    """Bytes of the largest layer's output for one image."""
    pretext: Footprint
    scan: Footprint
    self_label: Footprint


class Need(NamedTuple):
    """Bytes of one stage."""

    device: int = 0
    """At its peak, without the images themselves."""
    host: int = 0
    """At its peak, without the program itself and without memory-mapped images, which the system drops as it likes."""
    disk: int = 0
    """Of its artifacts."""
    temporary: int = 0
    """On the disk beside them, for the time that it runs."""


def needs(work: Work) -> dict[str, Need]:
    """What each stage needs, in the order in which they run."""
    return {
        "fetch": _fetch(work),
        "pretext-train": _pretext(work),
        "embed": _embed(work),
        "mine-neighbors": _mine(work),
        "baselines": _baselines(work),
        "scan-train": _scan(work),
        "self-label": _self_label(work),
        "evaluate": _evaluate(work),
    }


def stored_image_bytes(work: Work) -> int:
    """Bytes of data/images."""
    return int(work.sizes.images * work.image_bytes * (ENCODED_SHARE if work.encoded else 1))


def _fetch(work: Work) -> Need:
    tables, paths = 40 * work.sizes.images, 300 * work.sizes.images
    images = stored_image_bytes(work)
    return Need(host=paths, disk=images + tables + work.download, temporary=images if work.encoded else 0)


def _pretext(work: Work) -> Need:
    similarities = 3 * (2 * work.pretext_batch) ** 2 * FLOAT
    return _training(work, work.pretext, work.pretext_batch, moments=1, whole_set=similarities)


def _scan(work: Work) -> Need:
    logits = 3 * work.heads * work.sizes.train * work.clusters * FLOAT  # as they are joined, and their log-softmax
    rows = work.sizes.train * work.neighbors * INT64
    return _training(work, work.scan, work.scan_batch, moments=2, whole_set=max(logits, _inference(work)) + rows)


def _self_label(work: Work) -> Need:
    logits = 3 * work.sizes.train * work.clusters * FLOAT
    return _training(work, work.self_label, work.self_label_batch, moments=2, whole_set=max(logits, _inference(work)))


def _training(work: Work, footprint: Footprint, batch: int, *, moments: int, whole_set: int) -> Need:
    """``whole_set``: what the training holds beside a step. On the disk, its state in .resume comes with the model."""
    gradients_and_moments = (1 + moments) * work.weights
    step = footprint.fixed + TRANSIENT * footprint.per_image * batch
    state = (1 + moments) * work.weights
    return Need(int(gradients_and_moments + step) + whole_set, 2 * state, disk=work.weights, temporary=2 * state)


def _inference(work: Work) -> int:
    return 3 * INFERENCE_BATCH * work.largest_output


def _embed(work: Work) -> Need:
    embeddings = work.sizes.images * work.embedding_dim * FLOAT
    return Need(work.weights + _inference(work) + 2 * embeddings, 2 * embeddings, disk=embeddings)


def _mine(work: Work) -> Need:
    embeddings = work.sizes.train * work.embedding_dim * FLOAT
    table = work.sizes.train * (work.neighbors + 1) * (FLOAT + INT64)
    return Need(host=3 * embeddings + 4 * table, disk=work.sizes.train * work.neighbors * 2 * FLOAT)


def _baselines(work: Work) -> Need:
    embeddings = work.sizes.images * work.embedding_dim * FLOAT
    return Need(host=4 * embeddings, disk=3 * 6 * work.sizes.images)


def _evaluate(work: Work) -> Need:
    probabilities = work.sizes.evaluate * work.clusters * FLOAT
    embeddings = work.sizes.images * work.embedding_dim * FLOAT
    device = work.weights + max(3 * probabilities, _inference(work))
    return Need(device, host=5 * probabilities + 2 * embeddings, disk=2 * (probabilities + 16 * work.sizes.evaluate))
