"""How many images a run of the present parameters has: exactly once fetch has run, else as far as can be known."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scan_core.artifacts.index import read_index
from scan_core.datasets.class_list import read_classes
from scan_core.datasets.dataset import Source
from scan_core.datasets.source import locate
from scan_core.datasets.table import DATASETS, open_dataset
from scan_core.errors import DataError
from scan_core.planning.sizes import Sizes, published_splits, sizes_of
from stages.params import DataParams, Params
from stages.paths import INDEX, main_root

DOWNLOADS = ".downloads"
LOCK = Path("dvc.lock")


class Counted(NamedTuple):
    """The numbers of images, and where they are from."""

    sizes: Sizes
    exact: bool
    origin: str
    fetched: bool
    """Whether the images are here already."""


def count_images(config: Params) -> Counted:
    """Count without reading any image.

    Raises:
        DataError: no such folder or file, a split that does not exist, or fewer than 2 training images.
    """
    splits = {
        "train_splits": config.data.train_splits,
        "evaluate_splits": config.data.evaluate_splits,
        "pretext_splits": config.pretext.train_splits,
    }
    if _is_fetched(config):
        index = read_index(INDEX)
        pretext = index.ids_to_train_on(further_splits=config.pretext.train_splits)
        sizes = Sizes(len(index.split), len(pretext), len(index.train_ids), len(index.evaluate_ids))
        return Counted(sizes, exact=True, origin=f"counted in {INDEX}", fetched=True)
    split, exact, origin = _splits(config)
    return Counted(sizes_of(split, **splits, limit=config.data.limit), exact, origin, fetched=False)


def _is_fetched(config: Params) -> bool:
    """Whether data/artifacts/index.parquet is what fetch makes of these parameters, as dvc.lock remembers it."""
    try:
        fetch = YAML(typ="safe", pure=True).load(LOCK)["stages"]["fetch"]
        recorded = {out["path"]: out.get("md5") for out in fetch["outs"]}
        params = fetch["params"]["params.yaml"]
        digest = hashlib.md5(INDEX.read_bytes(), usedforsecurity=False).hexdigest()
    except (FileNotFoundError, YAMLError, KeyError, TypeError):  # dvc.lock may hold a merge's conflict marks
        return False
    present = {
        "seed": config.seed,
        "data": config.data.model_dump(mode="json"),
        "pretext.train_splits": list(config.pretext.train_splits),
    }
    return params == present and recorded.get(str(INDEX)) == digest


def _splits(config: Params) -> tuple[npt.NDArray[np.object_], bool, str]:
    """The split of each image, whether that is exact, and where it is from."""
    data, dataset = config.data, DATASETS[config.data.name]
    source = locate(data.source, root=main_root())
    if dataset.images is None or dataset.classes is None:
        return _open(data, source), True, f"listed in {data.source}"
    if not dataset.takes_classes_file:
        return published_splits(dataset), True, "as published"
    try:
        classes = _classes(data, dataset.classes)
    except DataError:
        clusters = min(config.scan.clusters, dataset.classes)
        origin = (
            f"data.classes_file cannot be reached, and is taken to name as many classes as scan.clusters, {clusters}"
        )
        return published_splits(dataset, classes=clusters), False, origin
    if isinstance(source, Path) and ((source / "train").is_dir() or (source / "val").is_dir()):
        return _open(data, source), True, f"listed in {data.source}"
    origin = f"as published for {data.name}, {classes} of its {dataset.classes:,} classes"
    return published_splits(dataset, classes=classes), classes == dataset.classes, origin


def _classes(data: DataParams, published: int) -> int:
    """How many classes of ``published`` ones; a list at a URL is downloaded, as fetch will do."""
    root = main_root()
    source = locate(data.classes_file, root=root, key="data.classes_file")
    return published if source is None else len(read_classes(source, downloads=root / DOWNLOADS))


def _open(data: DataParams, source: Source) -> npt.NDArray[np.object_]:
    """The splits, by the names of files and the metadata of Parquet files; no image is read."""
    root = main_root()
    classes_file = locate(data.classes_file, root=root, key="data.classes_file")
    return open_dataset(data.name, source, downloads=root / DOWNLOADS, labels="none", classes_file=classes_file).split
