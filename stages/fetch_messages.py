"""Write what fetch tells: how it understood the dataset, and what became of its pictures."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.index import Index
from scan_core.console.words import counted
from scan_core.datasets.dataset import Dataset
from scan_core.datasets.walk import in_words
from scan_core.errors import one_line
from scan_core.images.levels import FEW, Levels, is_clipped, is_faint
from scan_core.ingest.load import Loaded
from stages.params import DataParams, Params

SHOWN_CLASSES = 5
NEARLY_CONSTANT = 2.0
"""An image whose pixels have a lower standard deviation, of 255 levels, shows nothing."""

MUCH_CUT_OFF = 0.1
"""Share of the pictures' area that is worth a line: a photograph of 4:3 loses 25 %, one of 10:9 this much."""

ANNOTATIONS = {"mask", "masks", "annotations", "segmentationclass", "segmentationobject", "groundtruth", "ground_truth"}
"""Names of folders whose images are annotations of others."""


def understood(dataset: Dataset, config: Params) -> str:
    """Say in one line what the dataset is: images by split and class, where labels are from, and what is left out."""
    used = {*config.data.train_splits, *config.data.evaluate_splits, *config.pretext.train_splits}
    names, counts = np.unique(dataset.split.astype(str), return_counts=True)
    splits = [
        f"{count:,} in {name}{'' if name in used else ', not used'}" for name, count in zip(names, counts, strict=True)
    ]
    parts = [
        counted(len(dataset.split), "image"),
        *(splits if len(splits) > 1 or not used.issuperset(names) else ()),
        _classes(dataset, config.data),
        left_out(dataset.left_out),
    ]
    return one_line("; ".join(filter(None, parts)))


def left_out(counts: Mapping[str, int]) -> str:
    """Say how many files are not among the images, by what they are; empty where there are none."""
    shown = [in_words(count, kind) for kind, count in sorted(counts.items())]
    return one_line(f"left out: {', '.join(shown)}") if shown else ""


def _classes(dataset: Dataset, data: DataParams) -> str:
    labeled = np.flatnonzero(dataset.label >= 0)
    if not len(labeled):
        return "no labels"
    _, first, counts = np.unique(dataset.label[labeled], return_index=True, return_counts=True)
    names = dataset.label_names(labeled[first])
    shown = sorted(f"{name} {count:,}" for name, count in zip(names, counts, strict=True))[:SHOWN_CLASSES]
    more = [f"{len(names) - SHOWN_CLASSES} more"] if len(names) > SHOWN_CLASSES else []
    own = " by their folders" if data.name == "folder" else ", the dataset's own"
    origin = own if data.labels == "folders" else f" by {data.labels}"
    unlabeled = len(dataset.label) - len(labeled)
    rest = f", {unlabeled:,} without a label" if unlabeled else ""
    return f"{counted(len(names), 'class', 'classes')}{origin} ({', '.join(shown + more)}){rest}"


def limited(dataset: Dataset, data: DataParams) -> str | None:
    """Say how many training images ``data.limit`` takes, where there is one."""
    available = int(np.isin(dataset.split, data.train_splits).sum())
    if data.limit is None or not available:  # choose_images says why there are none
        return None
    if data.limit >= available:
        return f"all {available:,} training images are taken (data.limit: {data.limit})"
    return (
        f"{data.limit:,} of {available:,} training images are taken (data.limit); python -m stages.predict sorts the "
        "rest"
    )


def repeated(same: npt.NDArray[np.int64], index: Index) -> str | None:
    """Say how many images equal another one, and what becomes of them; None where there are none.

    Args:
        same: for each image in ``index``, a number that all images with the same pixels share.
    """
    if not (equal := _spare(same)):
        return None
    parts = [f"pixel by pixel like another one: {counted(equal, 'image')} (duplicates.csv)"]
    if droppable := _spare(same[index.train]):
        parts += [f"data.duplicates: drop leaves out {counted(droppable, 'training image')}"]
    if copies := int((index.evaluate & ~index.train & np.isin(same, same[index.train])).sum()):
        parts += [f"{counted(copies, 'evaluated image is', 'evaluated images are')} the same as a training image"]
    return "; ".join(parts)


def cut_off(loaded: Loaded, fit: str) -> str | None:
    """Say how much of the pictures ``fit: crop`` leaves out; None where that is little, or nothing."""
    sides = loaded.original_size[loaded.readable]
    if fit != "crop" or not len(sides):
        return None
    lost = 1 - (sides.min(axis=1) / sides.max(axis=1)).mean()
    if lost < MUCH_CUT_OFF:
        return None
    return (
        f"cut off at the edges of a picture: {lost:.0%} of its area on average (data.fit: crop); data.fit: pad keeps "
        "all of it, which is better for some folders and worse for others"
    )


def _spare(same: npt.NDArray[np.int64]) -> int:
    return len(same) - len(np.unique(same))


def oddities(
    dataset: Dataset, rows: npt.NDArray[np.int64], loaded: Loaded, levels: Levels, *, pixels: int
) -> Iterator[str]:
    """Yield a line for each peculiarity of the readable images that a person would want to know.

    Args:
        rows: [N], the rows of ``dataset`` that were ``loaded``.
        loaded: of images of ``pixels`` pixels each.
        levels: by which those of more than 8 bits were scaled.
    """
    drawn = sum(not ANNOTATIONS.isdisjoint(path.lower().split("/")[:-1]) for path in dataset.path)
    if 0 < drawn < len(dataset.path):
        yield f"in a folder of masks or annotations by its name: {counted(drawn, 'image')}; if they are, move them away"
    if animated := int(loaded.animated.sum()):
        yield f"several frames, of which the first one is taken: {counted(animated, 'image')}"
    deep = sum(values is not None for values in loaded.values)
    clipped = [row for row, values in enumerate(loaded.values) if values is not None and is_clipped(values, levels)]
    if clipped:
        yield (
            f"clipped, as their values reach much farther than those of nearly all: {len(clipped):,} of "
            f"{counted(deep, 'image')} of more than 8 bits (the first: {dataset.path[rows[clipped[0]]]}); leave them "
            "out, or convert them to 8 bits"
        )
    faint = np.array([values is not None and is_faint(values, levels) for values in loaded.values])
    if faint.any():
        yield (
            f"left with fewer than {FEW} of 256 levels, as the values of all images together reach much farther: "
            f"{faint.sum():,} of {counted(deep, 'image')} of more than 8 bits; convert them to 8 bits, or separate "
            "images of different ranges"
        )
    total, squares = np.moveaxis(loaded.moments / pixels, 2, 0)
    spread = np.sqrt(np.maximum(squares - total**2, 0)).max(axis=1)
    blank = loaded.readable & (spread < NEARLY_CONSTANT)
    if blank.any():
        both = int((blank & faint).sum())
        reason = f"; {both:,} of them because of too few levels" if both else ""
        yield (
            f"nearly of one color all over: {blank.sum():,} of {counted(int(loaded.readable.sum()), 'image')} "
            f"(reports/fetch shows some); nothing can be learned from them{reason}"
        )
