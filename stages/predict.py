"""New pictures, sorted by the model that is there: ``python -m stages.predict PICTURES``."""

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
import typer

from scan_core.artifacts.atomic import write_text
from scan_core.clustering.model import read_clustering
from scan_core.clustering.predict import predict
from scan_core.data.dataset import Dataset, Skipped
from scan_core.data.folder import folder
from scan_core.data.images import ResidentImages
from scan_core.data.load import load_images
from scan_core.data.store import ArrayStore
from scan_core.errors import DataError
from scan_core.evaluation.csv_tables import csv
from scan_core.runtime.device import choose_device
from scan_core.runtime.progress import warn
from stages.cli import run
from stages.params import RuntimeParams
from stages.params_file import load_params
from stages.paths import PARAMS, REPORTS, SELF_LABEL_MODEL

CHANNELS = 3
BYTES_AT_ONCE = 2**28
"""Of pixels in memory."""
MOST_NAMED = 10
"""Pictures left out whose reasons are printed."""


def main(
    pictures: Annotated[Path, typer.Argument(help="A folder of pictures.", show_default=False)],
    output: Annotated[Path, typer.Option(help="The table to write.")] = REPORTS / "predict" / "assignments.csv",
    params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS,
) -> None:
    """Say which cluster each picture of a folder belongs to, without training anything.

    Reads data/self_label/model.safetensors, and PICTURES as fetch would; writes a table with a row for each picture:
    path, cluster and confidence, cluster by cluster and the surest first, as reports/evaluate/assignments.csv has it.
    """
    runtime = load_params(params).runtime
    _, metadata = read_clustering(SELF_LABEL_MODEL)
    if metadata["channels"] != CHANNELS:
        raise DataError(f"{SELF_LABEL_MODEL}: made for gray images (data.name: digits), expected one made for pictures")
    dataset = folder(pictures, key="PICTURES")
    skipped = list(dataset.skipped)
    at_once = max(1, BYTES_AT_ONCE // (CHANNELS * metadata["image_size"] ** 2))
    parts = []
    for start in range(0, len(dataset.path), at_once):
        rows = np.arange(start, min(start + at_once, len(dataset.path)))
        parts.append(_assign(dataset, rows, metadata["image_size"], runtime, skipped))
    table = pd.concat(parts).sort_values(["cluster", "confidence"], ascending=[True, False], kind="stable")
    for path, reason in skipped[:MOST_NAMED]:
        warn(f"{path}: {reason}; left out")
    if len(skipped) > MOST_NAMED:
        warn(f"{len(skipped) - MOST_NAMED:,} more left out")
    if table.empty:
        raise DataError(f"PICTURES: none of the {len(skipped):,} pictures in {pictures} can be read")
    write_text(output, csv(table))
    for cluster, count in table["cluster"].value_counts().sort_index().items():
        print(f"cluster {cluster}: {count:,} pictures")
    print(output)


def _assign(
    dataset: Dataset, rows: npt.NDArray[np.int64], size: int, runtime: RuntimeParams, skipped: list[Skipped]
) -> pd.DataFrame:
    """The table of those ``rows`` of ``dataset`` that can be read; the others are added to ``skipped``."""
    pixels = np.empty((len(rows), CHANNELS, size, size), np.uint8)
    loaded = load_images(dataset, rows, ArrayStore(pixels), size=size, workers=runtime.threads, skip_unreadable=True)
    skipped += loaded.skipped
    kept = np.flatnonzero(loaded.readable)
    if not len(kept):
        return pd.DataFrame({"path": [], "cluster": [], "confidence": []})
    probabilities = predict(SELF_LABEL_MODEL, ResidentImages(pixels, choose_device(runtime.device)), kept)
    paths = [dataset.path[row] for row in rows[kept]]
    return pd.DataFrame({"path": paths, "cluster": probabilities.argmax(1), "confidence": probabilities.max(1)})


if __name__ == "__main__":
    run(main)
