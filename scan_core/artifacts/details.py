"""Write ``details.json`` of a stage's report: every figure that is not in the headline."""

import json
from collections.abc import Mapping
from pathlib import Path

from scan_core.artifacts.atomic import write_text


def write_details(report: Path, details: Mapping[str, float | int | str | None]) -> None:
    """Write ``details.json`` to the folder ``report``: flat, with six significant digits."""
    rounded = {key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in details.items()}
    write_text(report / "details.json", json.dumps(rounded, indent=2) + "\n")
