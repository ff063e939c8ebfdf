"""What does not fit a machine, and which parameter's value would."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from scan_core.clustering.cached_features import SHARE_OF_DEVICE as SHARE_FOR_FEATURES
from scan_core.images.open_images import SHARE_OF_DEVICE
from scan_core.planning.needs import Need, Work, needs

GIBIBYTE = 2**30


class Machine(NamedTuple):
    """What is free, in bytes."""

    device: int | None
    """None where the device is the host."""
    host: int
    disk: int
    cache_copies: bool
    """Whether DVC's cache holds copies, instead of sharing the artifacts' bytes by links."""
    program: int
    """What a process takes on the host before it works."""


class _Parameter(NamedTuple):
    value: Callable[[Work], int]
    smallest: int
    changed: Callable[[Work, int], Work]


_PARAMETERS = {
    "data.limit": _Parameter(lambda w: w.sizes.train, 2, lambda w, value: w._replace(sizes=w.sizes.limited(value))),
    "scan.heads": _Parameter(lambda w: w.heads, 1, lambda w, value: w._replace(heads=value)),
    "pretext.batch_size": _Parameter(lambda w: w.pretext_batch, 2, lambda w, value: w._replace(pretext_batch=value)),
    "scan.batch_size": _Parameter(lambda w: w.scan_batch, 2, lambda w, value: w._replace(scan_batch=value)),
    "scan.views": _Parameter(lambda w: w.scan_views, 2, lambda w, value: w._replace(scan_views=value)),
    "self_label.views": _Parameter(
        lambda w: w.self_label_views, 1, lambda w, value: w._replace(self_label_views=value)
    ),
    "self_label.batch_size": _Parameter(
        lambda w: w.self_label_batch, 2, lambda w, value: w._replace(self_label_batch=value)
    ),
}
_REMEDIES = {
    "pretext-train": ("pretext.batch_size", "data.limit"),
    "scan-train": ("scan.batch_size", "scan.heads", "data.limit"),
    "self-label": ("self_label.batch_size", "data.limit"),
}
"""What to lower for a stage, in the order in which it is tried; for the others data.limit."""
_DISK_REMEDIES = {"scan-train": ("scan.views", "data.limit"), "self-label": ("self_label.views", "data.limit")}


def on_machine(work: Work, machine: Machine) -> dict[str, Need]:
    """:func:`needs` with the program and what is resident added, ``host`` that of all processes on this machine.

    Where the host is the device, ``host`` is everything; otherwise ``device`` is that of each one.
    """
    placed = {}
    for stage, need in needs(work).items():
        host = machine.program + need.host
        if machine.device is None:
            placed[stage] = need._replace(device=0, host=need.processes * (host + need.device))
        else:
            resident = need.device and _resident(work, need, machine.device)
            placed[stage] = need._replace(device=need.device + resident, host=need.processes * host)
    return placed


def _resident(work: Work, need: Need, free: int) -> int:
    pixels = work.sizes.images * work.image_bytes
    images = 0 if work.encoded or pixels > SHARE_OF_DEVICE * free else pixels
    features = 0 if need.features > SHARE_FOR_FEATURES * (free - images) else need.features
    return images + features


def disk_bytes(work: Work, machine: Machine, *, fetched: bool) -> int:
    """Free space that a run needs at its fullest; ``fetched``: the images are there already."""
    artifacts, temporary = _disk(work, machine, fetched=fetched)
    return artifacts + max(temporary.values())


def _disk(work: Work, machine: Machine, *, fetched: bool) -> tuple[int, dict[str, int]]:
    """Bytes of all artifacts, and those beside them while a stage runs."""
    stages = {stage: need for stage, need in needs(work).items() if not (fetched and stage == "fetch")}
    artifacts = sum(need.disk for need in stages.values()) * (1 + machine.cache_copies)
    return artifacts, {stage: need.temporary for stage, need in stages.items()}


def problems(work: Work, machine: Machine, *, fetched: bool) -> list[str]:
    """A line for each thing that cannot fit: what is needed, what there is, and a value that would fit."""
    return [*_too_few_images(work), *_too_little_memory(work, machine), *_too_little_disk(work, machine, fetched)]


def _too_few_images(work: Work) -> Iterator[str]:
    pretext, train = work.sizes.pretext, work.sizes.train
    for key, value, images, most in (
        ("pretext.batch_size", work.pretext_batch, pretext, pretext),
        ("scan.clusters", work.clusters, train, train),
        ("neighbors.k", work.neighbors, train, train - 1),
        ("scan.batch_size", work.scan_batch, train, train),
        ("self_label.batch_size", work.self_label_batch, train, train),
    ):
        if value > most:
            yield f"{key}: {value:,} with {images:,} images to learn from; lower it to {most} or less"


def _too_little_memory(work: Work, machine: Machine) -> Iterator[str]:
    for stage in needs(work):
        for kind, free in (("device", machine.device), ("host", machine.host)):

            def used(changed: Work, stage: str = stage, kind: str = kind) -> int:
                return getattr(on_machine(changed, machine)[stage], kind)

            if free is not None and used(work) > free:
                remedy = _remedy(work, used, free, _REMEDIES.get(stage, ("data.limit",)))
                yield f"{stage}: about {_gib(used(work))} of {kind} memory, {_gib(free)} are free; {remedy}"


def _too_little_disk(work: Work, machine: Machine, fetched: bool) -> Iterator[str]:
    artifacts, temporary = _disk(work, machine, fetched=fetched)
    if artifacts > machine.disk:
        yield _disk_line("artifacts", work, machine, lambda changed: disk_bytes(changed, machine, fetched=fetched))
        return
    for stage in temporary:

        def used(changed: Work, stage: str = stage) -> int:
            artifacts, temporary = _disk(changed, machine, fetched=fetched)
            return artifacts + temporary[stage]

        if used(work) > machine.disk:
            yield _disk_line(stage, work, machine, used)


def _disk_line(stage: str, work: Work, machine: Machine, used: Callable[[Work], int]) -> str:
    remedy = _remedy(work, used, machine.disk, _DISK_REMEDIES.get(stage, ("data.limit",)))
    return f"{stage}: about {_gib(used(work))} of disk needed, {_gib(machine.disk)} are free; {remedy}"


def _remedy(work: Work, used: Callable[[Work], int], free: int, names: tuple[str, ...]) -> str:
    """The first of the parameters ``names`` of which some value fits, and the largest such value."""
    for name in names:
        value, smallest, changed = _PARAMETERS[name]
        unit = work.devices if name.endswith("batch_size") else 1  # devices share a batch equally
        low, high = smallest, value(work) // unit
        if low >= high or used(changed(work, low * unit)) > free:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if used(changed(work, middle * unit)) <= free else (low, middle)
        return f"{name}: {low * unit} would fit"
    return f"no value of {' or '.join(names)} fits: take a smaller encoder.width or data.image_size"


def _gib(size: int) -> str:
    return f"{size / GIBIBYTE:.3g} GiB"
