"""The table of classes of unequal size, and its images."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.paper.__main__ import unfinished
from benchmarks.paper.place import place_of
from benchmarks.paper.tables import read_table
from benchmarks.paper.unequal_digits import SHARES
from benchmarks.paper.unequal_digits import main as write_unequal_digits
from scan_core.errors import ParamsError


def test_digits_of_unequal_frequency(tmp_path: Path):
    write_unequal_digits(tmp_path / "unequal")
    found = Counter(path.parent.name for path in (tmp_path / "unequal").rglob("*.png"))
    assert sorted(found.values(), reverse=True) == [*SHARES]
    assert (sum(SHARES), max(SHARES) // min(SHARES)) == (710, 10)
    assert [*read_table("unequal").rows["prior"].set["scan.prior"]] == [*SHARES]
    with pytest.raises(ParamsError, match=r"unequal: exists; name a new folder"):
        write_unequal_digits(tmp_path / "unequal")


def test_the_table_of_unequal_classes_does_not_run_on_all_digits(tmp_path: Path):
    with pytest.raises(ParamsError, match=r"unequal: needs -S data.name=... and -S data.source=...: For the pictures"):
        unfinished(["unequal"], place_of("digits", []), seeds=1, rows=[])
    where = place_of("digits", ["data.name=folder", f"data.source={tmp_path}"])
    assert len(unfinished(["unequal"], where, seeds=1, rows=[])) == 4
