"""Stage fetch: the dataset's images, and apart from them their labels."""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from scan_core.artifacts.atomic import write_text
from scan_core.artifacts.images import keep_rows, new_pixels, read_pixels
from scan_core.artifacts.index import Index, write_index
from scan_core.artifacts.labels import write_labels
from scan_core.data.choose import check_enough, choose_images
from scan_core.data.contact_sheet import write_contact_sheet
from scan_core.data.dataset import Dataset
from scan_core.data.digests import count_duplicates, pixels_digest
from scan_core.data.load import Loaded, load_images
from scan_core.data.origins import open_dataset
from scan_core.data.report import describe_images, write_skipped
from scan_core.data.resize import INTERPOLATION
from scan_core.data.source import locate
from scan_core.errors import DataError
from scan_core.runtime.progress import say, warn
from stages.cli import run
from stages.params import DataParams, load_params
from stages.paths import IMAGES, INDEX, LABELS, PARAMS, REPORTS, main_root

REPORT = REPORTS / "fetch"
SHEET_IMAGES = 100
SHOWN_SKIPPED = 20
GIBIBYTE = 2**30


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Bring the dataset in: the images decoded, resized and in random order, the labels apart from them.

    Reads data.source, or downloads from the dataset's official origin into .downloads; writes data/images,
    data/index.parquet, data/labels.parquet (for evaluate alone) and reports/fetch (counts, skipped files, pictures).
    """
    config = load_params(params)
    data = config.data
    source, downloads = locate(data.source, root=main_root()), main_root() / ".downloads"
    dataset = open_dataset(data.name, source, downloads=downloads, labels="folders", classes_file=None)
    generator = np.random.Generator(np.random.PCG64(config.seed + data.seed))
    rows = choose_images(
        dataset.split,
        train_splits=data.train_splits,
        evaluate_splits=data.evaluate_splits,
        limit=data.limit,
        generator=generator,
    )
    _note_limit(dataset, data)
    loaded = _write_pixels(dataset, rows, data)
    kept = rows[loaded.readable]
    _write_tables(dataset, kept, data)
    _write_report(dataset, kept, loaded, data)


def _write_pixels(dataset: Dataset, rows: npt.NDArray[np.int64], data: DataParams) -> Loaded:
    shape = (len(rows), dataset.channels, data.image_size, data.image_size)
    gibibytes = float(np.prod(shape, dtype=float)) / GIBIBYTE
    if gibibytes > data.pixels_budget:
        raise DataError(
            f"{len(rows)} images take {gibibytes:.3g} GiB, data.pixels_budget allows {data.pixels_budget:g}; "
            "raise it, or lower data.limit or data.image_size"
        )
    with new_pixels(IMAGES, shape) as pixels:
        loaded = load_images(dataset, rows, pixels)
        check_enough(int(_among(dataset.split[rows], data.train_splits)[loaded.readable].sum()))
        keep_rows(pixels, loaded.readable)
    return loaded


def _write_tables(dataset: Dataset, rows: npt.NDArray[np.int64], data: DataParams) -> None:
    write_index(
        INDEX,
        _index(dataset, rows, data),
        pixels_digest=pixels_digest(read_pixels(IMAGES)),
        origin={"dataset": data.name, "image_size": data.image_size, "interpolation": INTERPOLATION},
    )
    write_labels(
        LABELS,
        label=dataset.label[rows],
        label_name=dataset.label_names(rows),
        origin=[dataset.path[row] for row in rows],
    )


def _index(dataset: Dataset, rows: npt.NDArray[np.int64], data: DataParams) -> Index:
    split = dataset.split[rows]
    return Index(split, _among(split, data.train_splits), _among(split, data.evaluate_splits))


def _write_report(dataset: Dataset, rows: npt.NDArray[np.int64], loaded: Loaded, data: DataParams) -> None:
    pixels = read_pixels(IMAGES)
    skipped = [*dataset.skipped, *loaded.skipped]
    details = {
        **describe_images(_index(dataset, rows, data), dataset.label[rows], loaded.original_size[loaded.readable]),
        "channels": dataset.channels,
        "image_size": data.image_size,
        "duplicates": count_duplicates(pixels),
        "skipped": len(skipped),
    }
    write_text(REPORT / "details.json", json.dumps(details, indent=2) + "\n")
    write_skipped(REPORT / "skipped.csv", skipped)
    for path, reason in skipped[:SHOWN_SKIPPED]:
        warn(f"skipped {path}: {reason}")
    if len(skipped) > SHOWN_SKIPPED:
        warn(f"skipped {len(skipped) - SHOWN_SKIPPED} more, see {REPORT / 'skipped.csv'}")
    write_contact_sheet(REPORT / "images.png", pixels[:SHEET_IMAGES])  # any leading ids are a random draw


def _note_limit(dataset: Dataset, data: DataParams) -> None:
    available = int(_among(dataset.split, data.train_splits).sum())
    if data.limit is not None and data.limit > available:
        say(f"data.limit: {data.limit}, but there are only {available} training images; all are taken")


def _among(split: npt.NDArray[np.object_], names: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    return np.isin(split, names)


if __name__ == "__main__":
    run(main)
