"""The names that a person gives the clusters; they belong to one model."""

from pathlib import Path

import pandas as pd

from scan_core.artifacts.atomic import write_text
from scan_core.artifacts.model import checksum
from scan_core.errors import DataError
from scan_core.evaluation.csv_tables import csv
from scan_core.naming import names as naming
from stages.paths import CLUSTER_NAMES

COLUMNS = ["cluster", "name", "model"]
DIGITS = 12
"""So many digits of the model's SHA-256 tell models apart; the text before them keeps spreadsheets from rewriting them
as a number."""


def installed_names(model: Path, clusters: int, path: Path = CLUSTER_NAMES) -> tuple[str, ...]:
    """Return the name of each of the model's clusters, empty where it has none; all are empty without the file.

    Args:
        model: the file of the model.

    Raises:
        DataError: not a readable table of names, or that of another model.
    """
    if not path.exists():
        return ("",) * clusters
    names = naming.read_names(path)
    present = f"sha256:{checksum(model)}"
    if names.model != present:
        raise DataError(
            f"{path}: names for the clusters of another model ({names.model[:19]}, now {present[:19]}); "
            f"python -m stages.names {path} --carry-over gives them to the present clusters, or remove the file"
        )
    if len(names.names) != clusters:
        raise DataError(f"{path}: {len(names.names)} clusters, expected {clusters}, those of {model}")
    return names.names


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
