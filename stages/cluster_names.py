"""The names that a person gives the clusters; they belong to one model."""

from pathlib import Path

from scan_core.artifacts.model import checksum
from scan_core.errors import DataError
from scan_core.naming.names import read_names
from stages.paths import CLUSTER_NAMES


def installed_names(model: Path, clusters: int, path: Path = CLUSTER_NAMES) -> tuple[str, ...]:
    """Return the name of each of the model's clusters, empty where it has none; all are empty without the file.

    Args:
        model: the file of the model.

    Raises:
        DataError: not a readable table of names, or that of another model.
    """
    if not path.exists():
        return ("",) * clusters
    names = read_names(path)
    present = f"sha256:{checksum(model)}"
    if names.model != present:
        raise DataError(
            f"{path}: names for the clusters of another model ({names.model[:19]}, now {present[:19]}); "
            f"python -m stages.names {path} --carry-over gives them to the present clusters, or remove the file"
        )
    if len(names.names) != clusters:
        raise DataError(f"{path}: {len(names.names)} clusters, expected {clusters}, those of {model}")
    return names.names
