"""The page again, with names that a person has given the clusters: ``python -m stages.report``."""

from pathlib import Path
from typing import Annotated

import torch
import typer

from scan_core.artifacts.atomic import write_text
from scan_core.artifacts.clusters import read_predictions
from scan_core.artifacts.index import read_index
from scan_core.artifacts.model import checksum
from scan_core.console.progress import tell
from scan_core.evaluation.csv_tables import assignment_table, csv
from scan_core.images.open_images import open_images
from scan_core.report.page import write_page
from stages.cli import run
from stages.cluster_names import read_names, write_form
from stages.evaluate import cluster_names, describe, evaluation, models
from stages.params_file import load_params
from stages.paths import IMAGES, INDEX, PARAMS, PREDICTIONS, REPORTS, SELF_LABEL_MODEL

NAMED = REPORTS / "named"
"""Not where evaluate writes: DVC would find its results changed."""


def main(
    names: Annotated[Path, typer.Option(help="The names: a table of cluster, name, model.")] = Path(
        "cluster_names.csv"
    ),
    params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS,
) -> None:
    """Draw the page of the last evaluation with names for its clusters.

    Reads what evaluate reads and its predictions. Where the table of names is missing, writes one to fill in; else
    writes reports/named/: report.html, and assignments.csv, the name of each picture's cluster.
    """
    images = open_images(IMAGES, torch.device("cpu"), workers=load_params(params).runtime.threads)
    index = read_index(INDEX, rows=len(images))
    predictions = read_predictions(PREDICTIONS, image_ids=index.evaluate_ids)
    steps = {step.step: step for step in predictions if step.step in models()}
    clusters, model = steps["self_label"].probabilities.shape[1], checksum(SELF_LABEL_MODEL)
    if not names.exists():
        write_form(names, clusters=clusters, model=model)
        tell(f"{names}: fill in the column name, beside {REPORTS / 'report.html'}; then run this command again")
        return
    given = read_names(names, clusters=clusters, model=model)
    found = evaluation(images, index, list(steps.values()))
    all_names = [given.get(cluster, name) for cluster, name in enumerate(cluster_names(found.results))]
    write_page(NAMED / "report.html", found.results, found.pictures, describe(found), all_names, given=given)
    final = found.results.self_label
    table = assignment_table(final.probabilities, found.pictures.paths, all_names).rename(columns={"class": "name"})
    write_text(NAMED / "assignments.csv", csv(table))
    tell(f"{len(given)} of {clusters} clusters have a name: look at {NAMED / 'report.html'}")


if __name__ == "__main__":
    run(main)
