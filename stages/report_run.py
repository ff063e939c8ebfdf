"""Collect what the page says beside the results, from the reports of the stages and the model's metadata."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scan_core.artifacts.model import checksum
from scan_core.datasets.walk import in_words
from scan_core.errors import ArtifactError
from scan_core.report.charts import Source, cluster_number_chart, curves, pictures_in
from scan_core.report.page import Listing, Run
from stages.paths import REPORTS

CURVES = [
    Source("pretext-train: loss", REPORTS / "pretext_train/live/plots/metrics/loss.tsv"),
    Source(
        "scan-train: loss on the training images; the epoch with the lowest is kept",
        REPORTS / "scan_train/live/plots/metrics/selection_loss.tsv",
    ),
    Source("self-label: confident images", REPORTS / "self_label/live/plots/metrics/confident.tsv"),
]
PICTURES = [Source("The clusters of k-means", REPORTS / "evaluate/prototypes_kmeans.png")]
COUNTED = Source("How many clusters fit the embeddings", REPORTS / "count_clusters/curve.csv")
FETCHED = {"duplicates": "duplicates", "duplicates_dropped": "duplicates left out", "skipped": "skipped files"}
LISTS = {
    "Skipped files": REPORTS / "fetch/skipped.csv",
    "Duplicates": REPORTS / "fetch/duplicates.csv",
}
LISTED = 50
"""Largest number of rows that the page shows of each list."""


def read_run(metadata: Mapping[str, Any], taught: str, warnings: Sequence[str], models: Mapping[str, Path]) -> Run:
    """Collect it; files that no stage has written are left out.

    Args:
        metadata: of the final model.
        taught: what the encoder was trained with.
        models: name -> file.
    """
    return Run(
        taught,
        list(warnings),
        pictures_in(PICTURES),
        [*curves(CURVES), *cluster_number_chart(COUNTED, _suggestion(REPORTS / "count_clusters/details.json"))],
        _fetched(REPORTS / "fetch/details.json"),
        _listings(),
        "\n".join(_lines((metadata.get("run") or {}).get("params", {}))),
        {name: checksum(path) for name, path in models.items()},
    )


def _suggestion(path: Path) -> str:
    details = _details(path)
    if "clusters" not in details:  # too few images to suggest a number
        return ""
    return (
        f"count-clusters suggests {details['clusters']}; {details['lowest']} to {details['highest']} fit nearly as "
        "well. fit is silhouette times modularity: higher is better."
    )


def counting_warning() -> list[str]:
    """Return count-clusters' warning, if there is one."""
    warning = _details(REPORTS / "count_clusters/details.json").get("warning")
    return [warning] if warning else []


def _fetched(path: Path) -> dict[str, Any]:
    details = _details(path)
    found = {title: details[name] for name, title in FETCHED.items() if name in details}
    others = ", ".join(in_words(count, kind) for kind, count in details.get("left_out", {}).items())
    return {**found, "no pictures, left out": others} if others else found


def _details(path: Path) -> dict[str, Any]:
    """What a stage has written; empty where it has not."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ArtifactError(f"{path}: no JSON object; run dvc repro")
    return found


def _listings() -> list[Listing]:
    found = []
    for title, path in LISTS.items():
        table = pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else pd.DataFrame()
        if len(table):
            columns = [name.replace("_", " ") for name in table.columns]
            rows = table.head(LISTED).to_numpy().tolist()
            found.append(Listing(title, path.as_posix(), columns, rows, len(table) > LISTED))
    return found


def _lines(parameters: Mapping[str, Any], prefix: str = "") -> list[str]:
    lines = []
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            lines += _lines(value, f"{prefix}{name}.")
        else:
            lines.append(f"{prefix}{name}: {_without_folders(value)}")
    return lines


def _without_folders(value: object) -> str:
    """Return the name of a file alone, so that the page is the same on another machine."""
    path = Path(value) if isinstance(value, str) else Path()
    return path.name if path.is_absolute() else json.dumps(value, ensure_ascii=False)
