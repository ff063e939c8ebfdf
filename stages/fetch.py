"""Stage fetch: take in the dataset's images and, apart from them, their labels."""

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from scan_core.artifacts.index import Index, write_index
from scan_core.artifacts.labels import write_labels
from scan_core.artifacts.shards import ShardFormat
from scan_core.console.progress import say, warn
from scan_core.datasets.dataset import Dataset
from scan_core.datasets.source import locate
from scan_core.datasets.table import WITHOUT_FILE, open_dataset
from scan_core.errors import DataError
from scan_core.images.preparation import Preparation
from scan_core.images.stored import first_images
from scan_core.ingest.choose import check_enough, choose_images
from scan_core.ingest.deep import load_by_own_levels
from scan_core.ingest.load import BadImageError, Loaded
from scan_core.ingest.report import write_report
from scan_core.ingest.statistics import combined_digest, duplicates, first_equal, normalization
from scan_core.ingest.store import pixel_store, shard_store
from stages.cli import run
from stages.fetch_messages import cut_off, limited, oddities, repeated, understood
from stages.keys import keys_named
from stages.opening import Opening
from stages.params import DataParams, Params
from stages.params_file import load_params
from stages.paths import IMAGES, INDEX, LABELS, METRICS, PARAMS, REPORTS, main_root

REPORT = REPORTS / "fetch"
SHEET_IMAGES = 100
SKIP = ", or set data.on_bad_image: skip"
GIBIBYTE = 2**30


@keys_named()
def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Take the dataset in: images are decoded, resized and shuffled, and labels are kept apart.

    Reads data.source, or downloads from the dataset's official origin into .downloads; writes data/artifacts/images,
    data/artifacts/index.parquet, data/artifacts/labels.parquet (for evaluate alone) and reports/fetch (counts, skipped
    files, duplicates, some of the images).
    """
    config = load_params(params)
    data = config.data
    METRICS.unlink(missing_ok=True)  # of the images before: a run that fails must not leave them as its figures
    dataset = _open(data)
    opening = Opening("fetch", understood(dataset, config))
    if message := limited(dataset, data):
        say(message)
    rows = choose_images(
        dataset.split,
        train_splits=data.train_splits,
        evaluate_splits=data.evaluate_splits,
        pretext_splits=config.pretext.train_splits,
        limit=data.limit,
        generator=np.random.Generator(np.random.PCG64(config.seed + data.seed)),
    )
    try:
        loaded, kept, preparation = _write_images(dataset, rows, config)
    except BadImageError as error:
        raise DataError(f"{error}{SKIP}") from error
    for message in oddities(dataset, rows, loaded, preparation.levels, pixels=data.image_size**2):
        warn(message)
    index = _write_tables(dataset, rows, loaded, kept, data, preparation)
    same = first_equal(loaded.digest, among=loaded.readable)
    write_report(REPORT, dataset, rows, loaded, kept, index, first_images(IMAGES, SHEET_IMAGES), same)
    for message in (cut_off(loaded, data.fit), repeated(same[kept], index)):
        if message:
            say(message)
    count, side = "all" if kept.all() else f"{kept.sum():,} of {len(rows):,}", data.image_size
    opening.close(f"{count} are stored, {side} x {side} pixels each; look at {REPORT / 'images.png'}")


def _open(data: DataParams) -> Dataset:
    root = main_root()
    labels = data.labels
    if labels not in WITHOUT_FILE:
        file = locate(labels, root=root, key="data.labels")
        if not isinstance(file, Path):
            raise DataError(f"data.labels: {labels} is a URL, expected the path of a CSV file; download it")
        labels = str(file)
    dataset = open_dataset(
        data.name,
        locate(data.source, root=root, key="data.source"),
        downloads=root / ".downloads",
        labels=labels,
        classes_file=locate(data.classes_file, root=root, key="data.classes_file"),
    )
    if data.on_bad_image == "fail" and dataset.skipped:
        path, reason = dataset.skipped[0]
        raise DataError(f"{path}: {reason}; correct or remove it{SKIP}")
    return dataset


def _write_images(
    dataset: Dataset, rows: npt.NDArray[np.int64], config: Params
) -> tuple[Loaded, npt.NDArray[np.bool_], Preparation]:
    """What became of ``rows``, which of them were kept (the readable ones, without duplicates if so wished), and how
    they were prepared."""
    data = config.data
    format = ShardFormat(dataset.channels, data.image_size, data.fit)
    gibibytes = len(rows) * format.channels * format.image_size**2 / GIBIBYTE
    store = pixel_store if gibibytes <= data.pixels_budget else shard_store
    with store(IMAGES, len(rows), format) as images:
        loaded, preparation = load_by_own_levels(
            dataset,
            rows,
            images,
            preparation=Preparation(data.image_size, data.fit, interpolation=data.interpolation),
            workers=config.runtime.threads,
            skip_unreadable=data.on_bad_image == "skip",
            most_pixels=round(data.max_megapixels * 1e6),
        )
        train = _among(dataset.split[rows], data.train_splits)
        kept = loaded.readable
        if data.duplicates == "drop":
            kept = kept & ~duplicates(loaded.digest, among=kept & train)
        check_enough(int((train & kept).sum()), skipped=loaded.skipped)
        images.keep(kept)
    return loaded, kept, preparation


def _write_tables(
    dataset: Dataset,
    rows: npt.NDArray[np.int64],
    loaded: Loaded,
    kept: npt.NDArray[np.bool_],
    data: DataParams,
    preparation: Preparation,
) -> Index:
    rows = rows[kept]
    split = dataset.split[rows]
    index = Index(split, _among(split, data.train_splits), _among(split, data.evaluate_splits))
    write_index(
        INDEX,
        index,
        normalization=normalization(loaded.moments[kept][index.train], pixels=data.image_size**2),
        pixels_digest=combined_digest(loaded.digest[kept]),
        dataset=data.name,
        preparation=preparation.described(),
    )
    write_labels(
        LABELS,
        label=dataset.label[rows],
        label_name=dataset.label_names(rows),
        origin=[dataset.path[row] for row in rows],
        further={name: values[rows] for name, values in dataset.further.items()},
    )
    return index


def _among(split: npt.NDArray[np.object_], names: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    return np.isin(split, names)


if __name__ == "__main__":
    run(main)
