"""Measure fetching a folder of JPEG files against a bare decode loop with the same threads, and its memory.

``python -m benchmarks.fetch``
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from benchmarks.record import record
from benchmarks.timing import alternate, median_ratio

ROOT = Path(__file__).resolve().parents[1]
SIZES = ((320, 240), (240, 320), (400, 300), (256, 256))
DISTINCT = 64


def main(
    images: Annotated[int, typer.Option(help="JPEG files to make.")] = 20_000,
    workers: Annotated[int, typer.Option(help="Threads that decode.")] = 2,
    image_size: Annotated[int, typer.Option(help="Pixels per side after resizing.")] = 64,
    repetitions: Annotated[int, typer.Option(help="Runs of each way, in turn.")] = 3,
) -> None:
    """Print images/s of the stage and of the bare loop (decode, convert to RGB), and the median of the ratios."""
    with tempfile.TemporaryDirectory() as name:
        pictures, project = Path(name) / "pictures", Path(name) / "project"
        _write(pictures, images)
        project.mkdir()
        settings = [f"data.source={pictures}", f"data.image_size={image_size}", f"runtime.workers={workers}"]
        subprocess.run([sys.executable, "-m", "stages.use", "folder", *settings], cwd=project, env=_path(), check=True)
        peaks: list[float] = []
        ways = {"bare": lambda: _decode_all(pictures, workers), "fetch": lambda: peaks.append(_fetch(project))}
        taken = alternate(ways, repetitions=repetitions)
    seconds = {way: statistics.median(times) for way, times in taken.items()}
    row = {"images": images, **{f"{way} images/s": images / time for way, time in seconds.items()}}
    ratio = median_ratio(taken["bare"], taken["fetch"])
    record("fetch", [row | {"fetch / bare": ratio, "peak MiB": max(peaks), "fetch s": seconds["fetch"]}])


def _write(folder: Path, count: int) -> None:
    """Write smooth random images of several sizes, in folders of a thousand."""
    generator = np.random.default_rng(0)
    encoded = []
    for i in range(DISTINCT):
        width, height = SIZES[i % len(SIZES)]
        noise = generator.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
        path = folder / "first.jpg"
        folder.mkdir(exist_ok=True)
        Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC).save(path, quality=90)
        encoded.append(path.read_bytes())
        path.unlink()
    for i in range(count):
        path = folder / f"{i // 1000:03d}" / f"{i:06d}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encoded[i % DISTINCT])


def _decode_all(folder: Path, workers: int) -> None:
    """Decode every file and keep none."""
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(_decode, sorted(folder.rglob("*.jpg"))))


def _decode(path: Path) -> None:
    with Image.open(path) as image:
        image.convert("RGB").load()


def _fetch(project: Path) -> float:
    """Run the stage, and return its largest resident memory in MiB."""
    peak = 0.0
    with subprocess.Popen([sys.executable, "-m", "stages.fetch"], cwd=project, env=_path()) as stage:
        while stage.poll() is None:
            peak = max(peak, _peak(stage.pid))
            time.sleep(0.02)
    if stage.returncode:
        raise SystemExit(stage.returncode)
    return peak


def _peak(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else 0.0


def _path() -> dict[str, str]:
    """Return an environment in which Python finds the stages from any folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    typer.run(main)
