"""What each stage needs in memory and on the disk: sums over the arrays that it holds at its peak."""

from typing import NamedTuple

from scan_core.baselines.kmeans import at_once, starts
from scan_core.baselines.pixel_features import COMPONENTS, FIT_LIMIT, LARGEST
from scan_core.machine.search_memory import bytes_needed
from scan_core.planning.sizes import Sizes

FLOAT = 4
INT64 = 8
FLOAT16 = 2

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
    feature_width: int
    """Of the encoder's output, before any head."""
    neighbors: int
    exact_up_to: int
    """Beyond so many images mining is approximate."""
    clusters: int
    heads: int
    workers: int
    """Threads that decode images, and starts of k-means beside each other."""
    devices: int
    """Which share each batch, unless the encoder is frozen; one process each."""
    pretext_batch: int
    scan_batch: int
    self_label_batch: int
    """Images of one step on all devices."""
    scan_views: int
    self_label_views: int
    """Augmentations of each image that a frozen encoder sees; 0 where the encoder learns."""
    pretext_moments: int
    scan_moments: int
    self_label_moments: int
    """Numbers kept for each weight: the optimizer's, and an average of the weights."""
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
    """At its peak, for each process, without the images themselves; so is ``host``."""
    host: int = 0
    """Without the program itself, and without memory-mapped images and features, which the system drops as it likes."""
    disk: int = 0
    """Of its artifacts."""
    temporary: int = 0
    """On the disk beside them, for the time that it runs."""
    features: int = 0
    """Of ``temporary``, what lies on a GPU, too, where it fits."""
    processes: int = 1
    """That share the work."""


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
    """Bytes of data/artifacts/images."""
    return int(work.sizes.images * work.image_bytes * (ENCODED_SHARE if work.encoded else 1))


def _fetch(work: Work) -> Need:
    tables, paths = 40 * work.sizes.images, 300 * work.sizes.images
    images = stored_image_bytes(work)
    return Need(host=paths, disk=images + tables + work.download, temporary=images if work.encoded else 0)


def _pretext(work: Work) -> Need:
    own, everyone = 2 * _part(work, work.pretext_batch), 2 * work.pretext_batch
    similarities = 3 * own * everyone * FLOAT
    return _training(work, work.pretext, work.pretext_batch, moments=work.pretext_moments, whole_set=similarities)


def _scan(work: Work) -> Need:
    logits = 3 * work.sizes.train * work.clusters * FLOAT  # as they are joined, and their log-softmax
    rows = work.sizes.train * work.neighbors * INT64
    if work.scan_views:  # one head after the other
        need = _heads(work, work.scan, work.scan_batch, heads=work.heads, moments=work.scan_moments, whole_set=logits)
        return _with_features(work, need._replace(device=need.device + rows), views=work.scan_views)
    whole_set = max(work.heads * logits, _inference(work)) + rows
    return _training(work, work.scan, work.scan_batch, moments=work.scan_moments, whole_set=whole_set)


def _self_label(work: Work) -> Need:
    moments = work.self_label_moments
    if work.self_label_views:
        need = _heads(work, work.self_label, work.self_label_batch, heads=1, moments=moments, whole_set=0)
        return _with_features(work, need, views=work.self_label_views)
    return _training(work, work.self_label, work.self_label_batch, moments=moments, whole_set=0)


def _training(work: Work, footprint: Footprint, batch: int, *, moments: int, whole_set: int) -> Need:
    """``whole_set``: what the training holds beside a step. On the disk, its state in .resume comes with the model."""
    state = (1 + moments) * work.weights  # gradients take as much as the weights, which are in ``fixed``
    step = footprint.fixed + TRANSIENT * footprint.per_image * _part(work, batch)
    device = int(state + step) + whole_set
    return Need(device, 2 * state, disk=work.weights, temporary=2 * state, processes=work.devices)


def _heads(work: Work, footprint: Footprint, batch: int, *, heads: int, moments: int, whole_set: int) -> Need:
    """As :func:`_training`, of heads alone in one process, after a pass of the encoder."""
    state = (1 + moments) * heads * (work.feature_width + 1) * work.clusters * FLOAT
    step = state + footprint.fixed + TRANSIENT * footprint.per_image * batch
    device = work.weights + max(_inference(work), int(step) + whole_set)
    return Need(device, 2 * state, disk=work.weights, temporary=2 * state)


def _with_features(work: Work, need: Need, *, views: int) -> Need:
    features = FLOAT16 * work.sizes.train * (1 + views) * work.feature_width
    return need._replace(temporary=need.temporary + features, features=features)


def _part(work: Work, batch: int) -> int:
    """Images of ``batch`` on one device."""
    return -(-batch // work.devices)


def _inference(work: Work) -> int:
    return 3 * INFERENCE_BATCH * work.largest_output


def _embed(work: Work) -> Need:
    embeddings = work.sizes.images * work.embedding_dim * FLOAT
    device = work.weights + _inference(work) + 2 * embeddings
    return Need(device, 2 * embeddings, disk=embeddings, processes=work.devices)


def _mine(work: Work) -> Need:
    memory = bytes_needed(
        images=work.sizes.images,
        points=work.sizes.train,
        dimensions=work.embedding_dim,
        k=work.neighbors,
        approximate=work.sizes.train > work.exact_up_to,
    )
    return Need(host=memory, disk=work.sizes.train * work.neighbors * 2 * FLOAT)


def _baselines(work: Work) -> Need:
    """Embeddings, the same not normalized, components of the pixels, and what the larger of two steps takes.

    These are to find the components, from pixels of which there are two copies for a moment; and k-means, with the rows
    to fit on and a copy of them for each start that runs.
    """
    features = work.sizes.images * (2 * work.embedding_dim + COMPONENTS) * FLOAT
    pixels = min(work.sizes.train, FIT_LIMIT) * min(work.image_bytes, 3 * LARGEST**2) * FLOAT
    rows = work.sizes.train * work.embedding_dim * FLOAT
    copies = rows * at_once(starts(work.sizes.train, work.clusters), feature_bytes=rows, workers=work.workers)
    return Need(host=features + max(2 * pixels, rows + copies), disk=3 * 6 * work.sizes.images)


def _evaluate(work: Work) -> Need:
    probabilities = work.sizes.evaluate * work.clusters * FLOAT
    embeddings = work.sizes.images * work.embedding_dim * FLOAT
    device = work.weights + max(3 * probabilities, _inference(work))
    return Need(device, host=5 * probabilities + 2 * embeddings, disk=2 * (probabilities + 16 * work.sizes.evaluate))
