"""Replaces dvclive where DVC is not installed (benchmarks/gpu.sh): one line of metrics for each epoch.

It is on the path only there; the project itself always uses dvclive.
"""

import json
from pathlib import Path


class Live:
    """The part of dvclive.Live that stages/training.py uses."""

    def __init__(self, dir: str, **_: object) -> None:
        self._file = Path(dir) / "metrics.jsonl"
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._metrics: dict[str, float] = {}

    def __enter__(self) -> "Live":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def log_metric(self, name: str, value: float) -> None:
        """Keep ``value`` for this epoch's line."""
        self._metrics[name] = value

    def next_step(self) -> None:
        """Write the epoch's line."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self._metrics) + "\n")
        self._metrics = {}
