"""docs/own-pictures.md: every command that is not marked runs, in the order of the page."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from tests.pipeline import ROOT, clone, environment
from tests.samples import encode, noise

TEXT = (ROOT / "docs/own-pictures.md").read_text()
MARK = "<!-- not run by the test: "
BLOCK = re.compile(r"^( *)(<!-- .*? -->\n *)?```\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CLOTHES = ROOT.parent / "shared/data/clothing"
COUNT, NEW, CLUSTERS = 60, 5, 10
NAMES = ["shirt", "shoe", "junk", "shirt"]


def blocks() -> list[tuple[str, str]]:
    """The mark, or nothing, and the commands of each block."""
    return [(mark.strip(), commands) for _, mark, commands in BLOCK.findall(TEXT)]


def test_what_is_not_run_says_why():
    found = blocks()
    assert TEXT.count("```") == 2 * len(found)
    assert all(not mark or mark.startswith(MARK) for mark, _ in found)
    assert len([mark for mark, _ in found if mark]) <= 3


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Pictures to learn from, and new ones: photographs of clothes, or made ones where there are none."""
    pictures, new = tmp_path / "pictures", tmp_path / "new pictures"
    for folder in (pictures, new):
        folder.mkdir()
    photographs = sorted(CLOTHES.glob("*.jpg"))[: COUNT + NEW]
    for number in range(COUNT + NEW):
        folder = pictures if number < COUNT else new
        if photographs:
            shutil.copy(photographs[number], folder)
        else:
            made = noise(40, 60, 3, seed=number) // 3 + np.uint8(15 * (number % CLUSTERS))
            (folder / f"{number}.png").write_bytes(encode(made))
    return pictures, new


def save_names(project: Path, downloads: Path) -> None:
    """As the button on the page does; tests/report/test_browser.py presses it."""
    subprocess.run(["python", "-m", "stages.names", "--form"], cwd=project, env=environment(project), check=True)
    yaml = YAML()
    form = yaml.load(project / "clusters.yaml")
    for entry, name in zip(form["clusters"], NAMES, strict=False):
        entry["name"] = name
    (project / "clusters.yaml").unlink()
    downloads.mkdir(parents=True)
    yaml.dump(form, downloads / "clusters.yaml")


@pytest.mark.slow
def test_the_commands_of_the_page(tmp_path: Path, folders: tuple[Path, Path]):
    (tmp_path / "scan").mkdir()
    project, home = clone(tmp_path / "scan"), tmp_path / "home"
    before = {path: path.read_bytes() for folder in folders for path in folder.iterdir()}
    for mark, commands in blocks():
        if mark:
            continue
        if "~/Downloads/clusters.yaml" in commands and not (home / "Downloads").exists():
            save_names(project, home / "Downloads")
        typed = commands.replace("/path/to/pictures", "../pictures").replace(
            "/path/to/new/pictures", "'../new pictures'"
        )
        done = subprocess.run(
            ["bash", "-ec", typed],
            cwd=project,
            env={**environment(project), "HOME": str(home)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, typed + done.stdout + done.stderr
        if "stages.sort ../sorted\n" in commands:
            found = list((tmp_path / "sorted").glob("*/*"))
            assert len(found) == COUNT
            assert {path.parent.name for path in found} <= {
                "shirt",
                "shoe",
                "junk",
                *(f"cluster-{n:03d}" for n in range(10)),
            }
    assert {path.name for path in (tmp_path / "sorted").iterdir()} & {"unsure"}
    table = pd.read_csv(project / "reports/predict/assignments.csv")
    assert len(table) == NEW
    assert (project / "reports/named/report.html").exists()
    assert {path: path.read_bytes() for folder in folders for path in folder.iterdir()} == before
