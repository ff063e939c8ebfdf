"""Pictures that came or went after fetch."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from scan_core.artifacts.atomic import write_text
from scan_core.datasets.walk import enter
from stages import fetch
from stages.outcome import main as outcome
from stages.paths import DETAILS, METRICS, PARAMS
from stages.source_changes import changed_since_fetch
from stages.use import main as use
from tests.samples import noise, write_picture


@pytest.fixture
def pictures(empty: Path) -> Path:
    """A folder of 13 pictures, one of them unreadable and two of them equal, that fetch has read."""
    for number in range(12):
        write_picture(empty / f"pictures/{number}.png", noise(8, 8, 3, seed=min(number, 10)))
    (empty / "pictures/broken.png").write_bytes(b"")
    use("folder", ["data.source=pictures", "data.limit=8", "data.duplicates=drop", "runtime.device=cpu"], params=PARAMS)
    fetch.main(PARAMS)
    return empty / "pictures"


def test_nothing_is_said_of_a_folder_as_it_was(pictures):
    (pictures / "notes.txt").write_text("mine")
    assert changed_since_fetch(PARAMS) is None


def test_more_or_fewer_pictures_are_noticed_at_the_end_of_a_run(pictures, capsys):
    write_text(DETAILS, json.dumps({"images_evaluated": 8, "clusters_mean_nothing": 0}))
    write_text(METRICS, json.dumps({"clusters": 2, "clusters_used": 2, "confidence": 0.5}))
    outcome()
    assert capsys.readouterr().err == ""
    write_picture(pictures / "deep/new.png")
    outcome()
    said = capsys.readouterr().err
    assert "data.source: pictures holds 14 pictures now, and held 13 when fetch read it: make refetch brings" in said
    shutil.rmtree(pictures / "deep")
    (pictures / "broken.png").unlink()
    outcome()
    assert "holds 12 pictures now" in capsys.readouterr().err


def test_a_folder_in_it_that_cannot_be_read_is_no_change(pictures, monkeypatch):
    shutil.move(pictures / "3.png", pictures / "deep.png")
    assert changed_since_fetch(PARAMS) is None
    (pictures / "deep").mkdir()
    shutil.move(pictures / "deep.png", pictures / "deep/3.png")
    assert changed_since_fetch(PARAMS) is None

    def closed(folder: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
        if folder.name == "deep":
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return enter(folder, seen)

    monkeypatch.setattr("scan_core.datasets.walk.enter", closed)
    (pictures / "4.png").unlink()
    assert changed_since_fetch(PARAMS) is None


def test_pictures_in_folders_of_splits_and_classes_are_counted_alike(empty):
    for number, split in enumerate(["train"] * 10 + ["test"] * 4):
        write_picture(empty / f"pictures/{split}/{'ab'[number % 2]}/{number}.png", noise(8, 8, 3, seed=number))
    use("folder", ["data.source=pictures", "data.train_splits=[train]", "runtime.device=cpu"], params=PARAMS)
    fetch.main(PARAMS)
    assert changed_since_fetch(PARAMS) is None
    write_picture(empty / "pictures/test/a/new.png")
    assert "holds 15 pictures now, and held 14" in str(changed_since_fetch(PARAMS))


def test_a_run_of_an_earlier_version_says_nothing(pictures):
    details = Path("reports/fetch/details.json")
    for found in ({}, {"found": None}):
        details.write_text(json.dumps(found))
        assert changed_since_fetch(PARAMS) is None


def test_where_it_cannot_be_known_nothing_is_said(pictures):
    shutil.rmtree(pictures)
    assert changed_since_fetch(PARAMS) is None
    use("digits", [], params=PARAMS)
    assert changed_since_fetch(PARAMS) is None
    for text in ("data: [", "[]", "data: {name: folder}"):
        PARAMS.write_text(text)
        assert changed_since_fetch(PARAMS) is None
