"""Count the images of a run before it starts, as far as they are known."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.index import read_index, read_origin
from scan_core.datasets.dataset import Dataset
from scan_core.datasets.source import locate
from scan_core.datasets.table import DATASETS, open_dataset
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
    """Count the images at ``data.source`` or in the dataset, else as published, else in the index that fetch has
    written.

    The index comes last, because it may be of another place, and lacks what an earlier run left out.

    Args:
        root: of the main repository.

    Raises:
        DataError: nothing there to count and nothing published, or a split that does not exist.
    """
    data = config.data
    counted = INDEX.exists() and read_origin(INDEX)["dataset"] == data.name
    source = locate(data.source, root=root, key="data.source")
    is_away = isinstance(source, Path) and not source.exists()
    if not (counted and is_away) and (dataset := open_local(data, root)) is not None:
        split, origin = dataset.split, "as found in the dataset"
    elif published := DATASETS[data.name].images:
        split, origin = _published(config, published)
    else:
        split, origin = read_index(INDEX).split, f"as counted in {INDEX}"
    rows = choose_images(
        split,
        train_splits=data.train_splits,
        evaluate_splits=data.evaluate_splits,
        pretext_splits=config.pretext.train_splits,
        limit=data.limit,
        generator=np.random.default_rng(0),
    )
    chosen = split[rows]
    train, evaluate = np.isin(chosen, data.train_splits), np.isin(chosen, data.evaluate_splits)
    pretext = train | np.isin(chosen, config.pretext.train_splits)
    channels = DATASETS[data.name].channels
    return Counts(len(rows), int(pretext.sum()), int(train.sum()), int(evaluate.sum()), channels, origin)


def open_local(data: DataParams, root: Path) -> Dataset | None:
    """Open the dataset without decoding an image; None where it would have to be downloaded."""
    source, described = locate(data.source, root=root, key="data.source"), DATASETS[data.name]
    somewhere_else = described.images and (described.download_bytes or described.needs_source)
    if somewhere_else and not isinstance(source, Path):
        return None
    classes_file = locate(data.classes_file, root=root, key="data.classes_file")
    return open_dataset(data.name, source, downloads=root / ".downloads", labels="none", classes_file=classes_file)


def _published(config: Params, images: Mapping[str, int]) -> tuple[npt.NDArray[np.object_], str]:
    """Return the split of each image, and where the numbers are from."""
    share, origin, classes = 1.0, "as published", DATASETS[config.data.name].classes
    if config.data.classes_file is not None and classes:
        share = config.scan.cluster_count / classes
        origin = "about as published, if data.classes_file names as many classes as scan.clusters"
    return np.repeat(np.array([*images], object), [round(share * count) for count in images.values()]), origin
