"""Predict the clusters of new pictures: ``python -m stages.predict PICTURES``."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
import typer

from scan_core.artifacts.atomic import write_text
from scan_core.console.progress import say, tell, warn
from scan_core.console.words import counted
from scan_core.datasets.dataset import Skipped
from scan_core.errors import ArtifactError, DataError, one_line
from scan_core.evaluation.confidence import cluster_sizes
from scan_core.evaluation.csv_tables import csv
from scan_core.prediction.clusterer import Clusterer
from scan_core.prediction.novelty import Novelty
from scan_core.prediction.table import Rows, check_ending, joined, rows_of, write_table
from stages.cli import run
from stages.cluster_names import final_model
from stages.devices import choose_device, prepare
from stages.fetch_messages import left_out
from stages.model_run import warning_of_another_run
from stages.novelty_reference import reference_features
from stages.outputs import check_output
from stages.params_file import load_params
from stages.paths import INDEX, PARAMS, REPORTS, SELF_LABEL_MODEL
from stages.picture_paths import STDIN, Found, find_pictures

MOST_NAMED = 10
"""Largest number of pictures left out whose reasons are printed."""
SOME_LEFT_OUT = 3
"""Exit status where the table lacks some pictures."""
UNLIKE = 99.0
"""Pictures with a higher novelty are counted."""
FOREIGN, MANY = 75.0, 20
"""A median novelty above this, of at least so many pictures, is told of: half of such pictures have more than 50."""


def main(
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURES",
            help="Folders, pictures, patterns such as 'in/**/*.jpg', or - for a list on standard input.",
        ),
    ],
    output: Annotated[Path, typer.Option(help="The table to write: .csv, .parquet or .jsonl.")] = REPORTS
    / "predict"
    / "assignments.csv",
    params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS,
    everything: Annotated[
        bool, typer.Option("--probabilities", help="Write the probability of each cluster, too.")
    ] = False,
) -> None:
    """Say which cluster each picture belongs to, without training anything.

    Reads data/artifacts/self_label/model.safetensors, data/artifacts/pretext/encoder.safetensors where that model is
    without its encoder, clusters.yaml where the clusters have names, the features that novelty compares with
    (features.npy, or those of the training images), and PICTURES, which it prepares as that model's metadata say.
    Writes a table with a row for each picture, name by name, the surest first, and beside it a list of those that
    cannot be read. docs/predict.md describes both.

    Exit status: 0 where every picture has a row, 3 where some have none, 1 where there is no table.
    """
    for path in (output, _left_out_list(output)):
        check_output(path)
    check_ending(output)
    config = load_params(params)
    clusterer = final_model(choose_device(config.runtime.device))
    if message := warning_of_another_run(config, clusterer.metadata, INDEX):
        warn(message)
    found = find_pictures(pictures, sys.stdin.buffer if STDIN in pictures else ())
    if message := left_out(found.left_out):
        say(message)
    if clusterer.metadata["channels"] == 1:
        say("the model has learned from gray images: it sees the brightness of the pictures' colors")
    prepare(clusterer.device)
    threads, most_pixels = config.runtime.threads, round(config.data.max_megapixels * 1e6)
    with tempfile.TemporaryFile() as file:
        spool = file if everything else None
        rows, unreadable = _label(clusterer, found, spool, threads=threads, most_pixels=most_pixels)
        skipped = [*found.skipped, *unreadable]
        _warn_of(skipped)
        if not len(rows.row):
            raise DataError(
                f"PICTURES: none of the {counted(len(skipped), 'picture')} in {' '.join(map(str, pictures))} can be "
                "read; replace them"
            )
        probabilities = _spooled(file, clusterer.clusters) if everything else None
        write_table(output, rows, found.paths, clusterer.groups.names, probabilities)
    _tell_sizes(rows, clusterer.groups.names)
    tell(str(output))
    _finish(output, skipped)


def _label(
    clusterer: Clusterer, found: Found, spool: IO[bytes] | None, *, threads: int, most_pixels: int
) -> tuple[Rows, list[Skipped]]:
    """Return the table's rows and what cannot be read; write all probabilities to ``spool``, 0 for the latter."""
    novelty = _novelty(clusterer, threads)
    rows, skipped, count = [], [], 0
    for part in clusterer.parts(found.files, threads=threads, most_pixels=most_pixels):
        percentile = novelty.of(part.features) if novelty else None
        rows.append(rows_of(part.rows, part.probabilities, percentile, clusterer.groups))
        skipped += [Skipped(found.paths[row], reason) for row, reason in part.unreadable.items()]
        if spool:
            whole = np.zeros((len(part.rows) + len(part.unreadable), clusterer.clusters), np.float32)
            whole[part.rows - count] = part.probabilities
            spool.write(whole.tobytes())
            count += len(whole)
    nothing = rows_of(np.empty(0, np.int64), np.empty((0, clusterer.clusters), np.float32), None, clusterer.groups)
    return joined([*rows, nothing]), skipped


def _spooled(spool: IO[bytes], clusters: int) -> npt.NDArray[np.float32]:
    spool.flush()
    return np.memmap(spool, np.float32, "r").reshape(-1, clusters)


def _novelty(clusterer: Clusterer, threads: int) -> Novelty | None:
    try:
        return Novelty(reference_features(clusterer, SELF_LABEL_MODEL, threads=threads))
    except ArtifactError as error:
        say(f"the column novelty stays empty: {error}")
        return None


def _warn_of(skipped: Sequence[Skipped]) -> None:
    for path, reason in skipped[:MOST_NAMED]:
        warn(one_line(f"{path}: {reason}; left out"))
    if len(skipped) > MOST_NAMED:
        warn(f"{len(skipped) - MOST_NAMED:,} more left out")


def _tell_sizes(rows: Rows, names: Sequence[str]) -> None:
    for name, count in zip(names, cluster_sizes(rows.group, cluster_count=len(names)).tolist(), strict=True):
        tell(one_line(f"{name}: {counted(count, 'picture')}"))
    if unlike := int((rows.novelty > UNLIKE).sum()):
        tell(
            f"unlike anything that the model has learned from (novelty above {UNLIKE:g}): {counted(unlike, 'picture')}"
        )
    if message := unlike_as_a_whole(rows.novelty):
        warn(message)


def unlike_as_a_whole(novelty: npt.NDArray[np.float32]) -> str | None:
    """What to tell of pictures that are not of the training's sort, by the ``novelty`` [N] of each; else None."""
    median = float(np.median(novelty)) if len(novelty) >= MANY else 0.0
    if not median > FOREIGN:
        return None
    return (
        f"as a whole, these pictures are unlike those that the model has learned from: half have a novelty above "
        f"{median:.0f}, where 50 is usual; clusters may mean nothing for them, however high the confidence"
    )


def _finish(output: Path, skipped: Sequence[Skipped]) -> None:
    """Write the list of pictures left out beside the table, and end with the exit status for it, if there are any."""
    beside = _left_out_list(output)
    beside.unlink(missing_ok=True)
    if skipped:
        write_text(beside, csv(pd.DataFrame(skipped, columns=["path", "reason"])))
        say(f"not in the table: {counted(len(skipped), 'picture')}; {beside} says why")
        raise typer.Exit(SOME_LEFT_OUT)


def _left_out_list(output: Path) -> Path:
    return output.with_name(f"{output.stem}.left-out.csv")


if __name__ == "__main__":
    run(main)
