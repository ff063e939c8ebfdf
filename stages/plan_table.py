"""How the plan is printed: within 80 columns."""

import textwrap
from collections.abc import Mapping

from scan_core.console.progress import tell
from scan_core.planning.fit import Machine
from scan_core.planning.needs import Need, Work
from scan_core.planning.times import PROBED
from stages.plan_images import Counted
from stages.plan_measure import Measured

COLUMNS = 79
UNITS = ((2**40, "T"), (2**30, "G"), (2**20, "M"), (2**10, "K"))
LONG_UNITS = ((365 * 86400, "years"), (86400, "days"), (3600, "h"), (60, "min"))


def print_table(
    counted: Counted,
    needs: Mapping[str, Need],
    work: Work,
    steps: Mapping[str, int],
    seconds: Mapping[str, float],
    *,
    cache_copies: bool,
) -> None:
    """Print a row for each stage, and the largest memory, all disk and all time in the last one."""
    sizes = work.sizes
    images = {"fetch": sizes.images, "pretext-train": sizes.pretext, "embed": sizes.images, "evaluate": sizes.evaluate}
    about = "" if counted.exact else "~"
    tell(_row("", "images", "steps", "device", "host", "disk", "cache", "time"))
    for stage, need in needs.items():
        count, batches = f"{about}{images.get(stage, sizes.train):,}", f"{steps[stage]:,}" if stage in steps else "-"
        guessed = "~" if stage == "mine-neighbors" and _is_approximate(work) else ""
        tell(_row(stage, count, batches, *_sizes(need, cache_copies), guessed + duration(seconds[stage])))
    everything = Need(
        device=max(need.device for need in needs.values()),
        host=max(need.host for need in needs.values()),
        disk=sum(need.disk for need in needs.values()),
    )
    tell(_row("in all", "", "", *_sizes(everything, cache_copies), duration(sum(seconds.values()))))


def print_notes(counted: Counted, machine: Machine, measured: Measured, work: Work, fullest: int) -> None:
    """Print where the figures are from; ``fullest``: bytes of disk."""
    device = "" if machine.device is None else f"{size(machine.device)} of device memory, "
    notes = [
        f"Images: {'' if counted.exact else 'about: '}{counted.origin}.",
        f"Free here: {device}{size(machine.host)} of host memory, {size(machine.disk)} of disk, of which the run takes "
        f"{size(fullest)} at its fullest. K, M, G, T are powers of 1,024 bytes.",
        "Times are scaled from a few steps measured here on synthetic images, without downloads and DVC itself; "
        f"self-labeling may stop early.{_smaller_steps(measured, work)}",
    ]
    if work.devices > 1 and machine.device is None:
        notes.append(f"{work.devices} processes divide the processors; memory is that of all of them.")
    elif work.devices > 1:
        notes.append(
            f"Memory of a device is that of each of {work.devices}, which are taken to be {work.devices} times as fast "
            "as one."
        )
    if _is_approximate(work):
        notes.append(f"Mining is approximate, and taken to visit {PROBED} lists for each image: it may need more.")
    for note in notes:
        tell("\n" + textwrap.fill(note, COLUMNS))


def _is_approximate(work: Work) -> bool:
    return work.sizes.train > work.exact_up_to


def _smaller_steps(measured: Measured, work: Work) -> str:
    costs = {"pretext": measured.pretext, "scan": measured.scan, "self_label": measured.self_label}
    frozen = {"pretext": False, "scan": work.scan_views > 0, "self_label": work.self_label_views > 0}
    batches = {"pretext": work.pretext_batch, "scan": work.scan_batch, "self_label": work.self_label_batch}
    own = {section: batch if frozen[section] else batch // work.devices for section, batch in batches.items()}
    smaller = [
        f"{section} {cost.batch} of {own[section]}" for section, cost in costs.items() if cost.batch < own[section]
    ]
    return f" Images of a measured step: {', '.join(smaller)}; full steps are faster at times." if smaller else ""


def _row(stage: str, images: str, steps: str, *rest: str) -> str:
    *sizes, time = rest
    return f"{stage:<14} {images:>10} {steps:>9} {' '.join(f'{cell:>7}' for cell in sizes)} {time:>9}"


def _sizes(need: Need, cache_copies: bool) -> tuple[str, str, str, str]:
    disk = size(need.disk)
    return size(need.device) if need.device else "-", size(need.host), disk, disk if cache_copies else "shared"


def size(count: int) -> str:
    """Bytes in at most six characters: ``12.3G``."""
    for unit, letter in UNITS:
        if count >= unit:
            return f"{count / unit:.3g}{letter}" if count < 999 * unit else f"{count / unit:.0f}{letter}"
    return f"{count}B"


def duration(seconds: float) -> str:
    """Seconds in at most nine characters: ``12 min``."""
    for unit, name in LONG_UNITS:
        if seconds >= 1.5 * unit:
            return f"{seconds / unit:,.0f} {name}" if seconds >= 10 * unit else f"{seconds / unit:.1f} {name}"
    return f"{seconds:.0f} s"
