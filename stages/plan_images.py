"""Count the images of a run before it starts, as far as they are known."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.index import read_index, read_origin
from scan_core.datasets.dataset import Dataset
from scan_core.datasets.source import locate
from scan_core.datasets.table import DATASETS, open_dataset
from scan_core.errors import DataError
from scan_core.ingest.choose import choose_images
from stages.keys import keys_named
from stages.params import DataParams, Params
from stages.paths import INDEX


class Counts(NamedTuple):
    """Numbers of images."""

    all: int
    """All images in data/artifacts/images."""
    pretext: int
    """Images to learn an embedding from: the training images, and those of ``pretext.train_splits``."""
    train: int
    evaluate: int
    channels: int
    origin: str
    """The source of these numbers, in words."""


@keys_named()
def count_images(config: Params, root: Path) -> Counts:
    """Count the images in the index that fetch has written, else in the dataset at hand, else as published.

    Args:
        root: of the main repository.

    Raises:
        DataError: nothing there to count and nothing published, or a split that does not exist.
    """
    data = config.data
    if INDEX.exists() and read_origin(INDEX)["dataset"] == data.name:
        return _count(config, read_index(INDEX).split, origin=f"as counted in {INDEX}")
    dataset = open_local(data, root)
    if dataset is not None:
        return _count(config, dataset.split, origin="as found in the dataset")
    if DATASETS[data.name].images:
        return _published(config)
    raise DataError(f"data.source: {data.source} is not on this machine, and nothing says how many images it holds")


def open_local(data: DataParams, root: Path) -> Dataset | None:
    """Open the dataset without decoding an image; None where it would have to be downloaded."""
    source, described = locate(data.source, root=root, key="data.source"), DATASETS[data.name]
    somewhere_else = described.images and (described.download_bytes or described.needs_source)
    if somewhere_else and not isinstance(source, Path):
        return None
    classes_file = locate(data.classes_file, root=root, key="data.classes_file")
    return open_dataset(data.name, source, downloads=root / ".downloads", labels="none", classes_file=classes_file)


def _published(config: Params) -> Counts:
    data, share, origin = config.data, 1.0, "as published"
    described = DATASETS[data.name]
    if data.classes_file is not None and described.classes:
        share = config.scan.cluster_count / described.classes
        origin = "about as published, if data.classes_file names as many classes as scan.clusters"
    counts = {split: round(share * count) for split, count in (described.images or {}).items()}
    return _count(config, np.repeat(np.array([*counts], object), [*counts.values()]), origin=origin)


def _count(config: Params, split: npt.NDArray[np.object_], *, origin: str) -> Counts:
    """Count after fetch's choice among images of these splits [N]."""
    data, pretext_splits = config.data, config.pretext.train_splits
    chosen = split[
        choose_images(
            split,
            train_splits=data.train_splits,
            evaluate_splits=data.evaluate_splits,
            pretext_splits=pretext_splits,
            limit=data.limit,
            generator=np.random.Generator(np.random.PCG64(0)),
        )
    ]
    train, evaluate = np.isin(chosen, data.train_splits), np.isin(chosen, data.evaluate_splits)
    pretext = train | np.isin(chosen, pretext_splits)
    channels = DATASETS[data.name].channels
    return Counts(len(chosen), int(pretext.sum()), int(train.sum()), int(evaluate.sum()), channels, origin)
