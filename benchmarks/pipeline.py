"""Measure a preset end to end: every stage in its own process, one after the other.

``python -m benchmarks.pipeline digits`` or
``python -m benchmarks.pipeline cifar10-authors data.source=FOLDER --folder KEPT``

With ``--folder``, results stay there, and the same command continues after the last finished stage.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.record import record
from benchmarks.timing import seconds

ROOT = Path(__file__).resolve().parents[1]
STAGES = (
    "fetch",
    "preview",
    "pretext_train",
    "embed",
    "mine_neighbors",
    "baselines",
    "scan_train",
    "self_label",
    "evaluate",
)
METRICS = Path("reports/metrics/evaluate.json")
SECONDS = "seconds.json"
"""File in the folder: the seconds of each finished stage; null for an unfinished one."""


def main(
    preset: Annotated[str, typer.Argument(help="A file of presets/, without its ending.")] = "digits",
    overrides: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Parameters to set.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Work here and keep it; by default a temporary folder.")] = None,
) -> None:
    """Print the seconds of each stage (the start of Python included), and in the last row the final metrics."""
    with tempfile.TemporaryDirectory() as temporary:
        project = (folder or Path(temporary)).resolve()
        project.mkdir(parents=True, exist_ok=True)
        known = _known(project, [preset, *(overrides or [])])
        rows = [_run_stage(project, stage, known) for stage in STAGES]
        metrics = json.loads((project / METRICS).read_text(encoding="utf-8"))
    total = sum(float(row["s"]) for row in rows)
    rows = [{**row, "share": float(row["s"]) / total} for row in rows]
    last = {"stage": "all", "s": total, "in pieces": max(str(row["in pieces"]) for row in rows), "share": 1.0}
    record("pipeline", [*({**row, **dict.fromkeys(metrics, "-")} for row in rows), {**last, **metrics}])


def _known(project: Path, arguments: list[str]) -> dict[str, float | None]:
    """Return the seconds of the stages that the same command has already run in ``project``."""
    params, times = project / "params.yaml", project / SECONDS
    before = params.read_text(encoding="utf-8") if params.exists() else ""
    _run(project, "use", *arguments)
    if params.read_text(encoding="utf-8") == before and times.exists():
        return json.loads(times.read_text(encoding="utf-8"))
    return {}


def _run_stage(project: Path, stage: str, known: dict[str, float | None]) -> dict[str, str | float]:
    """Run ``stage``, unless its seconds are known; an interrupted training continues where it was."""
    continued = stage in known and known[stage] is None
    if known.get(stage) is None:
        known[stage] = None
        _keep(project, known)
        known[stage] = seconds(lambda: _run(project, stage))
        known |= {f"{stage} in pieces": 1.0} if continued else {}
        _keep(project, known)
    return {"stage": stage, "s": known[stage] or 0.0, "in pieces": "yes" if f"{stage} in pieces" in known else "no"}


def _keep(project: Path, known: dict[str, float | None]) -> None:
    (project / SECONDS).write_text(json.dumps(known), encoding="utf-8")


def _run(project: Path, stage: str, *arguments: str) -> None:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", f"stages.{stage}", *arguments]
    subprocess.run(command, cwd=project, env={**os.environ, "PYTHONPATH": path}, check=True)


if __name__ == "__main__":
    typer.run(main)
