"""The final model, with the names that a person gives its clusters."""

from pathlib import Path

import torch

from scan_core.errors import DataError
from scan_core.naming.names import model_digest, read_names
from scan_core.prediction.clusterer import Clusterer, load_clusterer
from stages.paths import CLUSTER_NAMES, ENCODER, SELF_LABEL_MODEL


def final_model(device: torch.device) -> Clusterer:
    """Open the final model on ``device``, its clusters with the names that are installed.

    Raises:
        ArtifactError: the model or its encoder is missing or malformed.
        DataError: the names are not those of this model.
    """
    clusterer = load_clusterer(SELF_LABEL_MODEL, encoder=ENCODER, device=device)
    clusterer.rename(installed_names(SELF_LABEL_MODEL, clusterer.clusters))
    return clusterer


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
    present = model_digest(model)
    if names.model != present:
        raise DataError(
            f"{path}: names for the clusters of another model ({names.model[:19]}, now {present[:19]}); "
            f"python -m stages.names {path} --carry-over gives them to the present clusters, or remove the file"
        )
    if len(names.names) != clusters:
        raise DataError(f"{path}: {len(names.names)} clusters, expected {clusters}, those of {model}")
    return names.names
