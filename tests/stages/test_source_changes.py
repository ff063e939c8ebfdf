"""Pictures that came or went after fetch."""

import json
import shutil
from pathlib import Path

import pytest

from scan_core.artifacts.atomic import write_text
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
    write_text(METRICS, json.dumps({"clusters": 2, "confidence": 0.5}))
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


def test_where_it_cannot_be_known_nothing_is_said(pictures):
    shutil.rmtree(pictures)
    assert changed_since_fetch(PARAMS) is None
    use("digits", [], params=PARAMS)
    assert changed_since_fetch(PARAMS) is None
    for text in ("data: [", "[]", "data: {name: folder}"):
        PARAMS.write_text(text)
        assert changed_since_fetch(PARAMS) is None
