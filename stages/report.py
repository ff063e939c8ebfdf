"""Draw the page again, with the names that a person has given the clusters: ``python -m stages.report``."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer

from scan_core.artifacts.atomic import write_text
from scan_core.artifacts.clusters import read_predictions
from scan_core.artifacts.index import read_index
from scan_core.console.progress import tell
from scan_core.errors import DataError
from scan_core.evaluation.csv_tables import csv
from scan_core.images.open_images import open_images
from scan_core.naming.groups import groups, ranked
from scan_core.report.page import write_page
from stages.cli import run
from stages.cluster_names import installed_names
from stages.evaluate import cluster_names, describe, evaluation, models
from stages.evaluated import check_scan_model, evaluated_model
from stages.outputs import check_output
from stages.params_file import load_params
from stages.paths import CLUSTER_NAMES, IMAGES, INDEX, PAGE, PARAMS, PREDICTIONS, REPORTS, SELF_LABEL_MODEL, SHEETS

NAMED = REPORTS / "named"
"""A folder of its own, since DVC would find evaluate's results changed."""
NAMED_PAGE, ASSIGNMENTS = NAMED / "report.html", NAMED / "assignments.csv"


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Draw the page of the last evaluation with the names of clusters.yaml.

    Reads what evaluate reads, its predictions and clusters.yaml, which python -m stages.names installs. Writes
    reports/named/: report.html, and assignments.csv, the name of each picture.
    """
    for path in (NAMED_PAGE, ASSIGNMENTS):
        check_output(path)
    evaluated_model()
    check_scan_model()
    images = open_images(IMAGES, torch.device("cpu"), workers=load_params(params).runtime.threads)
    index = read_index(INDEX, rows=len(images))
    predictions = read_predictions(PREDICTIONS, image_ids=index.evaluate_ids)
    steps = {step.step: step for step in predictions if step.step in models()}
    probabilities = steps["self_label"].probabilities
    names = installed_names(SELF_LABEL_MODEL, probabilities.shape[1])
    if not any(names):
        raise DataError(
            f"{CLUSTER_NAMES}: no names yet; give them on {PAGE}, save, and run python -m stages.names with that file"
        )
    found = evaluation(images, index, list(steps.values()))
    shown = found.results, found.pictures, describe(found), cluster_names(found.results)
    write_page(NAMED_PAGE, *shown, given=names, sheets=sorted(SHEETS.glob("map-*")))
    grouped = groups(names)
    best = ranked(probabilities, grouped, most=1)
    table = pd.DataFrame(
        {
            "path": found.pictures.paths,
            "cluster": best.cluster[:, 0],
            "name": [grouped.names[group] for group in best.group[:, 0]],
            "confidence": best.confidence[:, 0],
        }
    )
    table = table.iloc[np.lexsort((-best.confidence[:, 0], best.group[:, 0]))]
    write_text(ASSIGNMENTS, csv(table))
    named = sum(map(bool, names))
    tell(f"{named} of {len(names)} clusters have a name: look at {NAMED_PAGE}")


if __name__ == "__main__":
    run(main)
