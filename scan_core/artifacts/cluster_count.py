"""``data/artifacts/clusters.json``: how many clusters a run looks for.

It holds what the trainings need, and nothing else: where the number is set, another suggestion must not rerun them.
"""

import json
from pathlib import Path
from typing import NamedTuple

from scan_core.artifacts.atomic import write_text
from scan_core.errors import ArtifactError

SCHEMA_VERSION = 1


class ClusterCount(NamedTuple):
    """The number of clusters, and where it comes from."""

    clusters: int
    suggested_from: tuple[int, int] | None
    """The range that fits nearly as well, where the number is a suggestion; None where a person has set it."""


def write_cluster_count(path: Path, count: ClusterCount) -> None:
    """Write ``count``."""
    write_text(path, json.dumps({"schema_version": SCHEMA_VERSION, **count._asdict()}, indent=2) + "\n")


def read_cluster_count(path: Path) -> ClusterCount:
    """Read how many clusters.

    Raises:
        ArtifactError: missing, malformed, fewer than two, or outside its own range.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        version, clusters, suggested_from = (found[key] for key in ("schema_version", *ClusterCount._fields))
        low, high = suggested_from or (clusters, clusters)
        right = version == SCHEMA_VERSION and all(type(number) is int for number in (low, clusters, high))
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run the count-clusters stage (dvc repro count-clusters)") from None
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: not readable ({error!r}); run dvc repro count-clusters") from error
    if not (right and 2 <= low <= clusters <= high):
        raise ArtifactError(
            f"{path}: {found}, expected schema version {SCHEMA_VERSION} and at least 2 clusters within their range; "
            "run dvc repro count-clusters"
        )
    return ClusterCount(clusters, (low, high) if suggested_from else None)
