"""Write ``details.json`` of a stage's report, every figure that is not in the headline, and curves without a point."""

import json
from collections.abc import Mapping
from pathlib import Path

from scan_core.artifacts.atomic import write_text


def write_details(report: Path, details: Mapping[str, float | int | str | None]) -> None:
    """Write ``details.json`` to the folder ``report``: flat, with six significant digits."""
    rounded = {key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in details.items()}
    write_text(report / "details.json", json.dumps(rounded, indent=2) + "\n")


def write_empty_curve(report: Path, metric: str) -> None:
    """Write DVCLive's file of a ``metric`` without a line: DVC warns of a plot whose file is missing."""
    write_text(report / f"live/plots/metrics/{metric}.tsv", f"step\t{metric}\n")
