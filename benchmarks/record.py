"""Print a benchmark's results as a small table, and record them with the machine."""

import datetime
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

RESULTS = Path(__file__).resolve().parent / "results"

Row = Mapping[str, str | int | float]


def record(name: str, rows: Sequence[Row]) -> None:
    """Print ``rows`` (all with the same columns) as a table and append them to ``results/<name>.jsonl``."""
    print(table(rows))
    entry = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "command": f"python -m benchmarks.{name} {' '.join(sys.argv[1:])}".strip(),
        "hardware": hardware(),
        "rows": [{key: _rounded(value) for key, value in row.items()} for row in rows],
    }
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def table(rows: Sequence[Row]) -> str:
    """Return ``rows`` as aligned text below their columns' names."""
    cells = [list(rows[0]), *([f"{_rounded(value)}" for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join(line.rstrip() for line in lines)


def hardware() -> str:
    """Return the device, or the CPU and its threads, and the versions that determine speed."""
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    else:
        device = f"{cpu_name()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    return f"{device}; torch {torch.__version__}, Python {platform.python_version()}"


def device_name() -> str:
    """Return the name of the GPU, or of the CPU."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else cpu_name()


def cpu_name() -> str:
    """Return the CPU's name, as far as the system tells it, and the instructions that torch takes (AVX2, AVX512)."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return f"{next(names, platform.processor() or platform.machine())} ({torch.backends.cpu.get_cpu_capability()})"


def _commit() -> str:
    try:
        command = ["git", "describe", "--always", "--dirty"]
        described = subprocess.run(command, capture_output=True, text=True, check=False, cwd=RESULTS.parent)
    except FileNotFoundError:  # no git on this machine
        return "unknown"
    return described.stdout.strip() or "unknown"


def _rounded(value: str | int | float) -> str | int | float:
    return float(f"{value:.4g}") if isinstance(value, float) else value
