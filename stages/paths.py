"""Where each artifact lives, relative to the project's root, which is every stage's working directory."""

import os
from pathlib import Path

PARAMS = Path("params.yaml")

IMAGES = Path("data/images")
INDEX = Path("data/index.parquet")
LABELS = Path("data/labels.parquet")
ENCODER = Path("data/pretext/encoder.safetensors")
EMBEDDINGS = Path("data/embeddings.npy")
EMBEDDING_NORMS = Path("data/embedding_norms.npy")
NEIGHBORS = Path("data/neighbors.parquet")
SCAN_MODEL = Path("data/scan/model.safetensors")
SELF_LABEL_MODEL = Path("data/self_label/model.safetensors")
BASELINES = Path("data/baselines.parquet")
PREDICTIONS = Path("data/predictions.parquet")

REPORTS = Path("reports")
METRICS = Path("reports/metrics/evaluate.json")


def main_root() -> Path:
    """The main repository's root, also in a queued experiment, which runs in a copy of it."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()
