"""Report what fetch found."""

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scan_core.artifacts.atomic import write_text
from scan_core.artifacts.index import Index
from scan_core.console.progress import warn
from scan_core.datasets.dataset import Dataset, Skipped
from scan_core.errors import one_line
from scan_core.images.contact_sheet import write_contact_sheet
from scan_core.ingest.file_digests import FILES, write_file_digests
from scan_core.ingest.load import Loaded

SHOWN_SKIPPED = 20


def write_report(
    folder: Path,
    dataset: Dataset,
    rows: npt.NDArray[np.int64],
    loaded: Loaded,
    kept: npt.NDArray[np.bool_],
    index: Index,
    pictures: npt.NDArray[np.uint8],
    same: npt.NDArray[np.int64],
) -> None:
    """Write ``details.json`` (counts), ``skipped.csv``, ``duplicates.csv``, ``images.png``, ``FILES``.

    Prints what was skipped.

    If there are classes, files are named without their folders, which may reveal the class.

    Args:
        rows: [N], the rows of ``dataset`` that were ``loaded``.
        kept: [N], which of them were kept.
        pictures: some of the kept images, [n, C, S, S].
        same: [N], for each of ``rows`` the first readable image with the same pixels.
    """
    skipped = [*dataset.skipped, *loaded.skipped]
    equal = np.flatnonzero(loaded.readable & (same != np.arange(len(rows))))
    details: dict[str, Any] = {
        "found": dataset.found,
        **describe_images(index, dataset.label[rows[kept]], loaded.original_size[kept]),
        "channels": pictures.shape[1],
        "image_size": pictures.shape[2],
        "duplicates": len(equal),
        "duplicates_dropped": int((loaded.readable & ~kept).sum()),
        "skipped": len(skipped),
        "left_out": dict(sorted(dataset.left_out.items())),
        "first_frames": int(loaded.animated.sum()),
    }
    write_text(folder / "details.json", json.dumps(details, indent=2) + "\n")
    shown = (lambda path: PurePosixPath(path).name) if dataset.classes else str
    name = [shown(dataset.path[row]) for row in rows]
    _write_csv(folder / "skipped.csv", file=[shown(path) for path, _ in skipped], reason=[r for _, r in skipped])
    _write_csv(
        folder / "duplicates.csv",
        file=[name[i] for i in equal],
        same_as=[name[i] for i in same[equal]],
        dropped=[not kept[i] for i in equal],
    )
    files = folder / FILES
    files.unlink(missing_ok=True)
    if loaded.file_digest.any():
        write_file_digests(files, loaded.file_digest[kept])
    write_contact_sheet(folder / "images.png", pictures)
    _say(skipped)


def _say(skipped: list[Skipped]) -> None:
    for path, reason in skipped[:SHOWN_SKIPPED]:
        warn(one_line(f"skipped {path}: {reason}"))
    if len(skipped) > SHOWN_SKIPPED:
        warn(f"skipped {len(skipped) - SHOWN_SKIPPED} more, see skipped.csv")


def describe_images(
    index: Index, label: npt.NDArray[np.int64], original_size: npt.NDArray[np.int64]
) -> dict[str, int | float]:
    """Return counts (in all, to train on, to evaluate on, labeled, per split) and original sizes in pixels.

    Args:
        label: [N], negative where unlabeled.
        original_size: [N, 2], width and height.
    """
    width, height = original_size.T
    splits, counts = np.unique(index.split.astype(str), return_counts=True)
    return {
        "images": len(index.split),
        "train_images": int(index.train.sum()),
        "evaluate_images": int(index.evaluate.sum()),
        "labeled_images": int((label >= 0).sum()),
        **{f"split_{split}_images": int(count) for split, count in zip(splits, counts, strict=True)},
        "original_width_mean": round(float(width.mean()), 2),
        "original_height_mean": round(float(height.mean()), 2),
        "original_short_side_min": int(original_size.min(axis=1).min()),
        "original_long_side_max": int(original_size.max()),
    }


def _write_csv(path: Path, **columns: Iterable[object]) -> None:
    write_text(path, pd.DataFrame(columns).to_csv(index=False, lineterminator="\n"))
