"""What the last evaluation says of each picture, without its labels."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from scan_core.artifacts.clusters import read_predictions
from scan_core.artifacts.index import read_index
from scan_core.errors import ArtifactError
from scan_core.naming.names import model_digest
from scan_core.report.map_table import read_paths
from stages.paths import DETAILS, INDEX, MAP, PREDICTIONS, SCAN_MODEL, SELF_LABEL_MODEL

FINAL = "self_label"
"""The step of the final model."""
AGAIN = "run dvc repro evaluate"


class Evaluated(NamedTuple):
    """The evaluated pictures, as the final model sees them."""

    model: str
    """As :func:`model_digest` gives it."""
    probabilities: Float32[np.ndarray, "pictures clusters"]
    paths: list[str]
    """As ``labels.parquet`` has them."""

    @property
    def cluster_count(self) -> int:
        """Return the number of the model's clusters."""
        return self.probabilities.shape[1]

    @property
    def cluster(self) -> Int64[np.ndarray, " pictures"]:
        """Return the most probable cluster of each picture, names aside."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> Float32[np.ndarray, " pictures"]:
        """Return the probability of that cluster."""
        return self.probabilities.max(axis=1)


def read_evaluated() -> Evaluated:
    """Read what the present model says of the evaluated pictures.

    Raises:
        ArtifactError: nothing was evaluated, or another model.
    """
    model = evaluated_model()
    steps = read_predictions(PREDICTIONS, image_ids=read_index(INDEX).evaluate_ids)
    final = next((step.probabilities for step in steps if step.step == FINAL), None)
    if final is None:
        raise ArtifactError(f"{PREDICTIONS}: no predictions of the step {FINAL}; {AGAIN}")
    return Evaluated(model, final, read_paths(MAP, rows=len(final)))


def evaluated_model() -> str:
    """Return the digest of the present model.

    Raises:
        ArtifactError: the last evaluation is of another one.
    """
    return _compared(_details()["model"], SELF_LABEL_MODEL)


def check_scan_model() -> None:
    """Raise ArtifactError where the last evaluation is of another model of the SCAN step than the present one."""
    details = _details()
    if "scan_model" in details:  # an evaluation of before does not say
        _compared(details["scan_model"], SCAN_MODEL)


def _compared(evaluated: Any, path: Path) -> str:
    present = model_digest(path)
    if evaluated != present:
        raise ArtifactError(f"{DETAILS}: an evaluation of another model than {path}; {AGAIN}")
    return present


def _details() -> dict[str, Any]:
    """Return what the last evaluation says of itself, the digest of the final model at least."""
    try:
        found = json.loads(DETAILS.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(f"{DETAILS}: missing; {AGAIN}") from None
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{DETAILS}: not readable ({error}); {AGAIN}") from error
    if not isinstance(found, dict) or "model" not in found:
        raise ArtifactError(f"{DETAILS}: no entry model; {AGAIN}")
    return found
