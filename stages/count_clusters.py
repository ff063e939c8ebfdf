"""Stage count-clusters: find how many clusters fit the embeddings."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import typer

from scan_core.artifacts.atomic import write_text
from scan_core.artifacts.cluster_count import ClusterCount, write_cluster_count
from scan_core.artifacts.details import write_details
from scan_core.artifacts.embeddings import read_embeddings
from scan_core.artifacts.index import read_index
from scan_core.console.progress import warn
from scan_core.console.words import counted
from scan_core.counting.curve import Point, curve, numbers_to_try
from scan_core.counting.plot import write_curve
from scan_core.counting.suggest import Suggestion, suggest
from scan_core.errors import ParamsError
from stages.cli import run
from stages.opening import Opening
from stages.outputs import check_output
from stages.params_file import load_params
from stages.paths import CLUSTERS, EMBEDDINGS, INDEX, PARAMS, REPORTS

REPORT = REPORTS / "count_clusters"
PICTURE = REPORT / "curve.png"


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Suggest a number of clusters, and a range, without labels; scan.clusters: auto takes the suggestion.

    Reads data/artifacts/embeddings.npy and data/artifacts/index.parquet. Writes data/artifacts/clusters.json (the
    number that the trainings take: scan.clusters, or the suggestion) and reports/count_clusters (curve.csv, curve.png,
    details.json).
    """
    config = load_params(params)
    for path in (CLUSTERS, REPORT / "curve.csv"):
        check_output(path)
    asked, counting = config.scan.clusters, config.count_clusters
    embeddings = read_embeddings(EMBEDDINGS)
    train_ids = read_index(INDEX, rows=len(embeddings)).train_ids
    if asked != "auto" and asked > len(train_ids):
        raise ParamsError(f"scan.clusters: {asked}, expected at most {len(train_ids)}, one for each training image")
    seed = config.seed + counting.seed
    sample = np.random.Generator(np.random.PCG64(seed)).permutation(train_ids)[: counting.sample]
    numbers = numbers_to_try(len(sample), most=counting.most)
    tried = f"of {numbers[0]} to {numbers[-1]} clusters" if numbers else "of clusters"
    opening = Opening("count-clusters", f"which number {tried} fits {counted(len(sample), 'embedding')}")
    points = list(curve(embeddings[sample], numbers=numbers, seed=seed))
    suggestion = suggest(points) if points else None
    count, guess = _count(asked, suggestion), _guess(asked, suggestion)
    _report(points, suggestion, guess, images=len(sample))
    write_cluster_count(CLUSTERS, count)
    if guess:
        warn(guess)
    opening.close(_told(asked, suggestion))


def _report(points: list[Point], suggestion: Suggestion | None, guess: str | None, *, images: int) -> None:
    columns = [*Point._fields, "fit"]
    rows = [(*point, point.fit) for point in points]
    table = pd.DataFrame(rows, columns=columns).to_csv(index=False, float_format="%.4f", lineterminator="\n")
    write_text(REPORT / "curve.csv", table)
    write_details(REPORT, {"images": images, **({} if suggestion is None else suggestion._asdict()), "warning": guess})
    if suggestion:
        write_curve(PICTURE, points, suggestion)


def _count(asked: int | Literal["auto"], suggestion: Suggestion | None) -> ClusterCount:
    if asked != "auto":
        return ClusterCount(asked, suggested_from=None)
    if suggestion is None:
        raise ParamsError("scan.clusters: auto, expected a number: there are too few images to suggest one")
    return ClusterCount(suggestion.clusters, suggested_from=(suggestion.lowest, suggestion.highest))


def _guess(asked: int | Literal["auto"], suggestion: Suggestion | None) -> str | None:
    """Return a warning if the run takes a suggestion that is only a guess, else None."""
    if asked != "auto" or suggestion is None or suggestion.clear:
        return None
    return (
        f"the embeddings form no clear groups, of whatever number ({PICTURE}): scan.clusters: auto takes "
        f"{suggestion.clusters}, which is a guess; set scan.clusters, or take an encoder that knows the images better"
    )


def _told(asked: int | Literal["auto"], suggestion: Suggestion | None) -> str:
    if suggestion is None:
        return f"{asked} clusters, as scan.clusters says; there are too few images to suggest a number"
    low, high = suggestion.lowest, suggestion.highest
    fits = f"{low} to {high} fit about equally well" if low < high else "no other number fits as well"
    fits = fits if suggestion.clear else "no number fits well"
    suggested = f"suggested: {fits} ({PICTURE})"
    if asked == "auto":
        return f"{suggestion.clusters} clusters are {suggested}; scan.clusters sets another number"
    return f"{asked} clusters, as scan.clusters says; {suggestion.clusters} would be {suggested}"


if __name__ == "__main__":
    run(main)
