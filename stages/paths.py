"""Where each artifact lives, relative to the project's root, which is every stage's working directory."""

import os
from pathlib import Path

PARAMS = Path("params.yaml")

IMAGES = Path("data/artifacts/images")
INDEX = Path("data/artifacts/index.parquet")
LABELS = Path("data/artifacts/labels.parquet")
ENCODER = Path("data/artifacts/pretext/encoder.safetensors")
EMBEDDINGS = Path("data/artifacts/embeddings.npy")
EMBEDDING_NORMS = Path("data/artifacts/embedding_norms.npy")
FEATURES = Path("data/artifacts/features.npy")
STANDARDIZATION = Path("data/artifacts/standardization.safetensors")
CLUSTERS = Path("data/artifacts/clusters.json")
NEIGHBORS = Path("data/artifacts/neighbors.parquet")
SCAN_MODEL = Path("data/artifacts/scan/model.safetensors")
SELF_LABEL_MODEL = Path("data/artifacts/self_label/model.safetensors")
REJECTED_MODEL = Path("data/artifacts/self_label/rejected.safetensors")
"""Self-labeling's model where it was not taken; otherwise there is no such file."""
BASELINES = Path("data/artifacts/baselines.parquet")
PREDICTIONS = Path("data/artifacts/predictions.parquet")

CLUSTER_NAMES = Path("clusters.yaml")
"""The names that a person has given the clusters, in git; no stage depends on it."""

REPORTS = Path("reports")
MAP = REPORTS / "evaluate/map.parquet"
METRICS = REPORTS / "metrics/evaluate.json"
DETAILS = REPORTS / "evaluate/details.json"
"""Figures of the evaluation beside ``METRICS``."""
PAGE = REPORTS / "report.html"
SHEETS = REPORTS / "report"
"""Thumbnails of the page's map that it has no room for."""


def main_root() -> Path:
    """Return the main repository's root, also in a queued experiment, which runs in a copy of it."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()
