"""The names that a person gives the clusters: ``cluster_names.csv``, which belongs to one model."""

from pathlib import Path

import pandas as pd

from scan_core.artifacts.atomic import write_text
from scan_core.errors import DataError
from scan_core.evaluation.csv_tables import csv

COLUMNS = ["cluster", "name", "model"]
DIGITS = 12
"""So many digits of the model's SHA-256 tell models apart; the text before them keeps spreadsheets from rewriting them
as a number."""


def write_form(path: Path, *, clusters: int, model: str) -> None:
    """Write a table with a row for each cluster, to be filled in.

    Args:
        model: the SHA-256 of the model.
    """
    write_text(path, csv(pd.DataFrame({"cluster": range(clusters), "name": "", "model": _short(model)})))


def read_names(path: Path, *, clusters: int, model: str) -> dict[int, str]:
    """Read cluster -> name; rows without a name are left out, and several clusters may have the same name.

    Raises:
        DataError: no such table, a cluster that does not exist or stands there twice, or names for another model.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable CSV file ({error}); remove it, and run this command again") from error
    if list(table.columns) != COLUMNS:
        raise DataError(f"{path}: columns {', '.join(table.columns)}, expected {', '.join(COLUMNS)}")
    named = table[table["name"].str.strip() != ""]
    others = sorted(set(named["model"]) - {_short(model)})
    if others:
        raise DataError(
            f"{path}: names for the model {others[0]}, but the clusters are now those of {_short(model)}; move the "
            "file away, run this command again, and name the new clusters"
        )
    known = {str(cluster) for cluster in range(clusters)}
    for cluster in named["cluster"][~named["cluster"].isin(known) | named["cluster"].duplicated()]:
        raise DataError(f"{path}: cluster {cluster!r}, expected each of 0 to {clusters - 1} once at most")
    return {int(cluster): name.strip() for cluster, name in zip(named["cluster"], named["name"], strict=True)}


def _short(model: str) -> str:
    return f"sha256:{model[:DIGITS]}"
