"""Sorting many pictures: how long it takes, and what a kill leaves."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scan_core.sorting.manifest import MANIFEST
from scan_core.sorting.undo import undo
from tests.pipeline import ROOT, environment

pytestmark = pytest.mark.slow
KILLS, COUNT = 10, 2000
SCRIPT = """
import sys
from pathlib import Path
from scan_core.sorting.manifest import Head
from scan_core.sorting.place import place_pictures
source = Path("source").resolve()
names = sorted(path.name for path in source.iterdir())
targets = {name: f"cluster-{number % 7:03d}/{name}" for number, name in enumerate(names)}
place_pictures(Path("sorted"), Head("sha256:0", ("",) * 7, 0.0, str(source)), targets, mode=sys.argv[1])
"""


def start(folder: Path, mode: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, mode], cwd=folder, env={**environment(folder), "PYTHONPATH": str(ROOT)}
    )


def write_source(folder: Path, *, count: int, size: int) -> None:
    (folder / "source").mkdir()
    for number in range(count):
        (folder / f"source/{number:05d}.jpg").write_bytes(number.to_bytes(4, "big") * (size // 4))


@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink"])
def test_after_kills_at_random_moments_another_run_completes_it(tmp_path, mode):
    write_source(tmp_path, count=COUNT, size=40_000)
    generator = random.Random(mode)
    killed = 0
    for _ in range(KILLS):
        process = start(tmp_path, mode)
        before = made(tmp_path)
        while made(tmp_path) <= before and process.poll() is None:
            time.sleep(0.001)
        time.sleep(generator.uniform(0, 0.03))
        process.kill()
        killed += process.wait() != 0
        for path in (tmp_path / "sorted").glob("*/*"):
            assert path.read_bytes() == (tmp_path / "source" / path.name).read_bytes()
    assert killed
    assert start(tmp_path, mode).wait() == 0
    assert len([*(tmp_path / "sorted").glob("cluster-00[0-6]/*.jpg")]) == COUNT
    assert undo(tmp_path / "sorted").removed == COUNT
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
    assert len([*(tmp_path / "source").iterdir()]) == COUNT


def made(folder: Path) -> int:
    """Files made, as the manifest's size tells."""
    path = folder / "sorted" / MANIFEST
    return path.stat().st_size if path.exists() else 0


def test_hard_links_of_20_000_pictures_take_seconds(tmp_path):
    write_source(tmp_path, count=20_000, size=4)
    started = time.monotonic()
    assert start(tmp_path, "hardlink").wait() == 0
    assert time.monotonic() - started < 20
    assert undo(tmp_path / "sorted").removed == 20_000
