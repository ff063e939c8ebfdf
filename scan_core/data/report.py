"""What ``fetch`` tells about the images that it brought in."""

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.atomic import write_text
from scan_core.artifacts.index import Index
from scan_core.data.dataset import Skipped


def describe_images(
    index: Index, label: npt.NDArray[np.int64], original_size: npt.NDArray[np.int64]
) -> dict[str, int | float]:
    """Counts (in all, to train on, to evaluate on, labeled, of each split) and sizes before resizing, in pixels.

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


def write_skipped(path: Path, skipped: Iterable[Skipped]) -> None:
    """Write the unusable files as CSV, one a line: file, reason.

    Files are named without their folders, which may be classes.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "reason"])
    writer.writerows((PurePosixPath(path).name, reason) for path, reason in skipped)
    write_text(path, text.getvalue())
