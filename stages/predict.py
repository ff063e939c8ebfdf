"""New pictures, sorted by the model that is there: ``python -m stages.predict PICTURES``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import typer

from scan_core.artifacts.atomic import check_file_name, write_text
from scan_core.clustering.model import ClusteringModel, read_clustering
from scan_core.clustering.predict import probabilities
from scan_core.console.progress import say, tell, warn
from scan_core.datasets.dataset import Dataset, Skipped
from scan_core.datasets.folder import pictures_below
from scan_core.datasets.walk import printable
from scan_core.errors import DataError, one_line
from scan_core.evaluation.confidence import cluster_sizes
from scan_core.evaluation.csv_tables import assignment_table, csv
from scan_core.images.images import ResidentImages
from scan_core.images.preparation import Preparation, preparation_of
from scan_core.ingest.load import load_images
from scan_core.ingest.store import ArrayStore
from stages.cli import run
from stages.devices import choose_device, prepare
from stages.fetch_messages import left_out
from stages.model_run import warning_of_another_run
from stages.params_file import load_params
from stages.paths import ENCODER, INDEX, PARAMS, REPORTS, SELF_LABEL_MODEL

CHANNELS = 3
BYTES_AT_ONCE = 2**28
"""Of pixels in memory."""
MOST_NAMED = 10
"""Pictures left out whose reasons are printed."""


class Part(NamedTuple):
    """What became of some pictures."""

    rows: npt.NDArray[np.int64]
    """[n], those that can be read."""
    probabilities: npt.NDArray[np.float32]
    """[n, C]"""
    skipped: list[Skipped]
    """The others."""


def main(
    pictures: Annotated[Path, typer.Argument(help="A folder of pictures, or one picture.", show_default=False)],
    output: Annotated[Path, typer.Option(help="The table to write.")] = REPORTS / "predict" / "assignments.csv",
    params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS,
) -> None:
    """Say which cluster each picture belongs to, without training anything.

    Reads data/artifacts/self_label/model.safetensors, data/artifacts/pretext/encoder.safetensors where that model is
    without its encoder, and PICTURES, which it prepares as that model's metadata say; writes a table
    with a row for each picture: path, cluster and confidence, cluster by cluster and the surest first.
    """
    config = load_params(params)
    runtime = config.runtime
    model, metadata = read_clustering(SELF_LABEL_MODEL, encoder=ENCODER)
    preparation = preparation_of(SELF_LABEL_MODEL, metadata)
    if message := warning_of_another_run(config, metadata, INDEX):
        warn(message)
    if metadata["channels"] != CHANNELS:
        raise DataError(
            f"{SELF_LABEL_MODEL}: made for gray images, expected one made for pictures; train it "
            "on a folder of them first (python -m stages.use folder)"
        )
    check_file_name(output)
    dataset = _open(pictures.absolute())
    count = len(dataset.path)
    if message := left_out(dataset):
        say(message)
    device = choose_device(runtime.device)
    prepare(device)
    at_once = max(1, BYTES_AT_ONCE // (CHANNELS * preparation.image_size**2))
    parts = [
        _predict(
            model,
            metadata,
            preparation,
            dataset,
            np.arange(start, min(start + at_once, count)),
            device,
            runtime.threads,
            most_pixels=round(config.data.max_megapixels * 1e6),
        )
        for start in range(0, count, at_once)
    ]
    _warn_of([*dataset.skipped, *(skipped for part in parts for skipped in part.skipped)])
    rows = np.concatenate([part.rows for part in parts])
    if not len(rows):
        raise DataError(f"PICTURES: none of the {count:,} pictures in {pictures} can be read; replace them")
    predicted = np.concatenate([part.probabilities for part in parts])
    write_text(output, csv(assignment_table(predicted, [dataset.path[row] for row in rows])))
    sizes = cluster_sizes(predicted.argmax(axis=1), cluster_count=metadata["clusters"])
    for cluster, pictures_in_it in enumerate(sizes):
        tell(f"cluster {cluster}: {pictures_in_it:,} pictures")
    tell(str(output))


def _open(pictures: Path) -> Dataset:
    if not pictures.is_file():
        return pictures_below(pictures, key="PICTURES")
    return Dataset(
        channels=CHANNELS,
        split=np.array(["train"], dtype=object),
        label=np.array([-1]),
        classes=(),
        path=[printable(pictures.name)],
        read=lambda rows: (pictures for _ in rows),
    )


def _predict(
    model: ClusteringModel,
    metadata: Mapping[str, Any],
    preparation: Preparation,
    dataset: Dataset,
    rows: npt.NDArray[np.int64],
    device: torch.device,
    workers: int,
    *,
    most_pixels: int,
) -> Part:
    """What the model says of the images ``rows``."""
    pixels = np.empty((len(rows), CHANNELS, preparation.image_size, preparation.image_size), np.uint8)
    loaded = load_images(
        dataset,
        rows,
        ArrayStore(pixels),
        preparation=preparation,
        workers=workers,
        skip_unreadable=True,
        most_pixels=most_pixels,
    )
    kept = np.flatnonzero(loaded.readable)
    if not len(kept):
        return Part(rows[kept], np.empty((0, metadata["clusters"]), np.float32), loaded.skipped)
    images = ResidentImages(pixels, device)
    predicted = probabilities(model, metadata, images, kept, description="predict")
    return Part(rows[kept], predicted, loaded.skipped)


def _warn_of(skipped: Sequence[Skipped]) -> None:
    for path, reason in skipped[:MOST_NAMED]:
        warn(one_line(f"{path}: {reason}; left out"))
    if len(skipped) > MOST_NAMED:
        warn(f"{len(skipped) - MOST_NAMED:,} more left out")


if __name__ == "__main__":
    run(main)
