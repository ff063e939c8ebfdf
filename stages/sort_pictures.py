"""Find the files of the run's pictures, and the probabilities that the model gives to each."""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.index import read_index
from scan_core.console.progress import say, track, warn
from scan_core.console.words import counted
from scan_core.datasets.dataset import Dataset, Skipped
from scan_core.datasets.source import locate
from scan_core.datasets.table import open_dataset
from scan_core.errors import ArtifactError, DataError
from scan_core.ingest.file_digests import FILES, file_digest, read_file_digests
from scan_core.parallel.threads import ordered_map
from scan_core.prediction.clusterer import Clusterer
from stages.devices import prepare
from stages.evaluated import read_evaluated
from stages.model_run import warning_of_another_run
from stages.params import Params
from stages.paths import INDEX, REPORTS, main_root

WITH_FILES = ("folder", "imagenet")
"""Datasets whose pictures are files of their own."""


class Pictures(NamedTuple):
    """The files of the run's pictures, in the dataset's order."""

    root: Path
    paths: list[str]
    """[N], relative to ``root``."""
    names: list[str]
    """[N], as ``labels.parquet`` has them; two may be the same where they are no UTF-8."""
    skipped: list[Skipped]
    """Files that are unusable."""


class Found(NamedTuple):
    """The probabilities of some pictures."""

    paths: list[str]
    """[n], as in ``Pictures.paths``, of those that can be read."""
    probabilities: npt.NDArray[np.float32]
    """[n, C]"""
    skipped: list[Skipped]
    """The others."""


def check_has_files(config: Params) -> None:
    """Raise DataError where the dataset's pictures are no files of their own."""
    if config.data.name not in WITH_FILES:
        raise DataError(
            f"data.name: {config.data.name} has no picture files of its own to sort, expected "
            f"{' or '.join(WITH_FILES)}; the cluster of each image stands in reports/evaluate/assignments.csv"
        )


def open_pictures(config: Params) -> Pictures:
    """Find the pictures of ``data.source``, as fetch does.

    Raises:
        DataError: no picture there, or pictures in an archive.
    """
    root = main_root()
    source, classes = (
        locate(value, root=root, key=key)
        for key, value in {"data.source": config.data.source, "data.classes_file": config.data.classes_file}.items()
    )
    dataset = open_dataset(config.data.name, source, downloads=root / ".downloads", labels="none", classes_file=classes)
    folder = Path(str(source))
    paths = [os.path.relpath(path, folder) for path in _files(dataset)]
    return Pictures(folder.resolve(), paths, dataset.path, list(dataset.skipped))


def _files(dataset: Dataset) -> Iterator[Path]:
    for picture in dataset.read(np.arange(len(dataset.path))):
        if not isinstance(picture, Path):
            raise DataError(
                "data.source: its pictures lie in an archive, expected files of their own; unpack it, or see the "
                "cluster of each image in reports/evaluate/assignments.csv"
            )
        yield picture


def sort_out(pictures: Pictures, wanted: Collection[str], clusterer: Clusterer, config: Params) -> Found:
    """Return the probabilities of the pictures ``wanted``: from predictions.parquet, or else predicted now.

    Args:
        wanted: some of ``pictures.paths``.
        clusterer: the model.
    """
    known = _known(pictures, clusterer, config)
    stored = [path for path in pictures.paths if path in wanted and path in known.rows]
    others = [row for row, path in enumerate(pictures.paths) if path in wanted and path not in known.rows]
    found = known.probabilities[[known.rows[path] for path in stored]]
    if not others:
        return Found(stored, found, known.vanished)
    say(
        f"{counted(len(others), 'picture')} without a prediction that holds (other splits, beyond data.limit, "
        "unreadable, or changed since the run): the model looks at them now"
    )
    predicted = _predict(pictures, others, clusterer, config)
    return Found(
        stored + predicted.paths,
        np.concatenate([found, predicted.probabilities]),
        known.vanished + predicted.skipped,
    )


class _Known(NamedTuple):
    rows: dict[str, int]
    """Path -> row of ``probabilities``."""
    probabilities: npt.NDArray[np.float32]
    vanished: list[Skipped]


def _known(pictures: Pictures, clusterer: Clusterer, config: Params) -> _Known:
    """Return the last evaluation's predictions that still hold: by this model, of files unchanged since fetch."""
    nothing = _Known({}, np.empty((0, clusterer.clusters), np.float32), [])
    if message := warning_of_another_run(config, clusterer.metadata, INDEX):
        warn(message)
        return nothing
    try:
        evaluated, digests = read_evaluated(), _digests_of_evaluated()
    except ArtifactError as error:
        warn(f"{error}; until then, every picture is predicted here")
        return nothing
    row_of = {name: row for row, name in enumerate(evaluated.paths)}
    often = Counter(pictures.names)
    rows = {
        path: row_of[name]
        for path, name in zip(pictures.paths, pictures.names, strict=True)
        if name in row_of and often[name] == 1
    }
    present = ordered_map(_digest, (pictures.root / path for path in rows), chunk=8, workers=config.runtime.threads)
    compared = track(zip(rows.items(), present, strict=True), description="compare with fetch", total=len(rows))
    rows = {path: row for (path, row), digest in compared if digest == digests[row]}
    vanished = [Skipped(name, "no longer there") for name in evaluated.paths if name not in often]
    return _Known(rows, evaluated.probabilities, vanished)


def _digests_of_evaluated() -> list[bytes]:
    """Return the SHA-256 of the file that each evaluated picture was read from."""
    index = read_index(INDEX)
    digests = read_file_digests(REPORTS / "fetch" / FILES, rows=len(index.evaluate))
    return [digests[row] for row in index.evaluate_ids]


def _digest(path: Path) -> bytes | None:
    try:
        return file_digest(path)
    except OSError:
        return None


def _predict(pictures: Pictures, rows: Sequence[int], clusterer: Clusterer, config: Params) -> Found:
    prepare(clusterer.device)
    files = [pictures.root / pictures.paths[row] for row in rows]
    most_pixels = round(config.data.max_megapixels * 1e6)
    paths, probabilities, skipped = [], [], []
    for part in clusterer.parts(files, threads=config.runtime.threads, most_pixels=most_pixels):
        paths += [pictures.paths[rows[row]] for row in part.rows]
        probabilities.append(part.probabilities)
        skipped += [Skipped(pictures.names[rows[row]], reason) for row, reason in part.unreadable.items()]
    return Found(paths, np.concatenate(probabilities), skipped)
