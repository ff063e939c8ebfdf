"""What the last evaluation says of each picture, without its labels."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scan_core.artifacts.model import checksum
from scan_core.artifacts.tables import read_table
from scan_core.errors import ArtifactError
from stages.paths import MAP, METRICS, REPORTS, SELF_LABEL_MODEL

DETAILS = REPORTS / "evaluate/details.json"
COLUMNS = pa.schema(
    [
        ("x", pa.float32()),
        ("y", pa.float32()),
        ("cluster", pa.int32()),
        ("name", pa.string()),
        ("confidence", pa.float32()),
        ("path", pa.string()),
    ]
)


class Evaluated(NamedTuple):
    """The clusters of the evaluated pictures."""

    model: str
    """``sha256:`` and the SHA-256 of the model's file."""
    cluster_count: int
    cluster: npt.NDArray[np.int32]
    confidence: npt.NDArray[np.float32]
    paths: list[str]
    """As ``labels.parquet`` has them."""

    @property
    def sizes(self) -> list[int]:
        """Return the number of pictures in each cluster."""
        return np.bincount(self.cluster, minlength=self.cluster_count).tolist()


def read_evaluated() -> Evaluated:
    """Read the clusters of the present model.

    Raises:
        ArtifactError: nothing was evaluated, or another model.
    """
    model = evaluated_model()
    table = read_table(MAP, COLUMNS, further_columns=True)
    cluster, confidence = table["cluster"].to_numpy(), table["confidence"].to_numpy()
    return Evaluated(model, int(_entry(METRICS, "clusters")), cluster, confidence, table["path"].to_pylist())


def evaluated_model() -> str:
    """Return ``sha256:`` and the SHA-256 of the present model.

    Raises:
        ArtifactError: the last evaluation is of another one.
    """
    model = f"sha256:{checksum(SELF_LABEL_MODEL)}"
    if _entry(DETAILS, "model") != model:
        raise ArtifactError(
            f"{DETAILS}: an evaluation of another model than {SELF_LABEL_MODEL}; run dvc repro evaluate"
        )
    return model


def _entry(path: Path, name: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8")).get(name)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: not readable ({error}); run dvc repro evaluate") from error
